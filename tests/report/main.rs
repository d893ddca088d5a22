//! The report as its reader gets it, on sessions made by arithmetic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod exports;
mod figures;
mod fixture;
mod whole;
