//! The report as its reader gets it, on sessions made by arithmetic.

mod figures;
mod fixture;
