//! An NVENC driver without a GPU: the same function table, a modelled engine, real decodable output.

pub mod payload;
