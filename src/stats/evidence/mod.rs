//! What the runs of two sides say about each other, and what makes that doubtful: sides, changes, noise floors, doubts,
//! and the one rule by which everything is decided. Knows no criterion.

pub mod blocks;
pub mod change;
pub mod client_settings;
pub mod decision;
pub mod detect_doubts;
pub mod doubts;
pub mod noise_floor;
pub mod peers;
pub mod quantile_shift;
pub mod quantity;
pub mod repetition;
pub mod side;
pub mod side_name;
pub mod sides;
pub mod streams;
pub mod warnings;
