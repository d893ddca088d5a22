//! The window's flows, through what a screen reader would find, without a window.
