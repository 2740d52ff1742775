//! The networks, each described once.
//!
//! A network is a list of layers (`layer`), made from its sizes. From the list come the names and shapes of its weights, the
//! network that trains (`train`), the one that infers (`folded`), with batch normalization folded into the layer before
//! it, and the single operations that other programs run ([`graph`]). [`Architecture`] is the list of all networks.
//!
//! The names of the weights are part of the checkpoint format: changing one breaks the files that have it.

mod architecture;
mod compact;
mod custom_cnn;
mod densenet;
mod folded;
pub mod graph;
mod head;
mod layer;
mod limits;
mod resnet;
mod step;
mod three_block;
mod train;
mod vgg;
mod vgg_focal;

pub use architecture::Architecture;
pub use compact::CompactConfig;
pub use custom_cnn::CustomCnnConfig;
pub use folded::InferenceNet;
pub use head::HeadConfig;
pub use limits::OutOfRange;
pub use step::Keep;
pub use three_block::ThreeBlockConfig;
pub use train::TrainableNet;
pub use vgg::VggConfig;
pub use vgg_focal::VggFocalConfig;

#[cfg(test)]
mod tests;
