//! The one source of randomness: a generator seeded by the run's seed and the name of its use.
//!
//! Separate uses get separate streams, so that adding a draw in one place never changes another.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator used everywhere.
pub type Generator = Xoshiro256PlusPlus;

/// A generator for one use, named by `stream` (for example `"split"` or `"dropout epoch 3"`).
pub fn generator(seed: u64, stream: &str) -> Generator {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(stream.as_bytes());
    Generator::from_seed(*hasher.finalize().as_bytes())
}
