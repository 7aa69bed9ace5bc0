//! The vector instructions of this machine, found when the program runs, through the crate `pulp`.
//!
//! The kernels of the network ([`nn`](crate::nn)) and of distances ([`distances`](crate::distances)) are compiled for
//! each set and dispatched by [`arch`].

use std::sync::OnceLock;

use pulp::Arch;

/// Environment variable that asks for fewer instructions than the machine has: `portable` or `avx2`. For finding out
/// whether they are at fault, and for tests.
const VARIABLE: &str = "ATMOSCOPE_INSTRUCTIONS";

/// The instruction set that this machine has.
pub fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var(VARIABLE).as_deref() {
        Ok("portable") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    })
}
