//! 3×3 convolution by Winograd's minimal filtering, F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308), with both gradients.
//!
//! Pictures are channels-last, N × H × W × C. The output is cut into tiles of 4×4; each needs 6×6 inputs. In the
//! transformed domain a convolution is 36 products of matrices instead of 144, tiles × inputs times inputs × outputs:
//!
//! - forward: V = Bᵀ d B of each input tile, M = V · U with U = G g Gᵀ of the weights, Y = Aᵀ M A, then bias, ReLU and,
//!   where a pooling follows, the largest of each 2×2;
//! - gradient of the input: the same with the weights turned by 180° and inputs and outputs exchanged;
//! - gradient of the weights: dg = Gᵀ (Σ over tiles of Vᵀ · Z) G with Z = A dY Aᵀ.
//!
//! Work is cut into units of tiles (and panels of outputs). In the forward direction a tile's numbers are the same
//! whatever the units are; the weight gradient's order of sums depends on the shape alone. So nothing depends on the
//! number of threads.
//!
//! [`transforms`] has the small matrices and the tiles, [`weights`] brings weights into the transformed domain, [`forward`]
//! convolves, and [`weight_gradient`](weight_gradient()) is the third of the three.

mod forward;
mod transforms;
mod weight_gradient;
mod weights;

pub use forward::{Finish, convolve};
pub use weight_gradient::weight_gradient;
pub use weights::{Direction, TransformedWeights};

/// Rows and columns of an output tile.
const TILE: usize = 4;
/// Products in the transformed domain: 6×6.
const PRODUCTS: usize = 36;
