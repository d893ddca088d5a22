//! The report as its reader gets it, on sessions made by arithmetic.

mod exports;
mod figures;
mod fixture;
mod whole;
