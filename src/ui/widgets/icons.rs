//! Icons, as characters of the icon font in assets/fonts.

#![allow(missing_docs, reason = "the names are those of Phosphor Icons")]

pub const CHECK: &str = "\u{e182}";
pub const WARNING: &str = "\u{e4e0}";
pub const X: &str = "\u{e4f6}";
pub const PLUS: &str = "\u{e3d4}";
pub const CARET_DOWN: &str = "\u{e136}";
pub const CARET_UP: &str = "\u{e13c}";
pub const PENCIL: &str = "\u{e3b4}";
pub const TRASH: &str = "\u{e4a6}";
