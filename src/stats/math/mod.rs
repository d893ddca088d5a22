//! Mathematics on lists of numbers. Knows neither runs nor metrics.

pub mod descriptive;
pub mod mean_ratio;
pub mod nested;
pub mod rank;
pub mod ratio;
pub mod sign_flip;
pub mod trend_tests;
