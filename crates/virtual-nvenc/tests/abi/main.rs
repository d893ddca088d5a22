//! The driver seen from outside: raw calls through the function table, as a client written in C would make them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and a missing slot is a failure")]

mod allocation;
mod client;
mod decode;
mod encoding;
mod lifecycle;
mod queries;
mod resources;
mod rules;
mod versions;
