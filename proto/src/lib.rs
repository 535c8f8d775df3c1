//! Apricot's contract with its clients, generated from `apricot/v1/*.proto`: protobuf by prost, canonical JSON by pbjson.

pub mod v1 {
    #![allow(clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/apricot.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/apricot.v1.serde.rs"));
}

/// What nodes tell each other; no part of the contract.
pub mod cluster {
    #![allow(clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/apricot.cluster.v1.rs"));
}

/// The compiled `FileDescriptorSet`, from which schemas are derived.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
