//! The icons used, as characters of the Phosphor font.

#![allow(missing_docs)]

pub const LIBRARY: &str = "\u{e836}";
pub const LABEL: &str = "\u{e47a}";
pub const GROUP: &str = "\u{e464}";
pub const TRAIN: &str = "\u{e156}";
pub const EXPLORE: &str = "\u{eaac}";
pub const REPORT: &str = "\u{e23a}";
pub const FOLDER_OPEN: &str = "\u{e256}";
pub const FOLDER_PLUS: &str = "\u{e258}";
pub const UNDO: &str = "\u{e038}";
pub const REDO: &str = "\u{e036}";
pub const SEARCH: &str = "\u{e30c}";
pub const CLOSE: &str = "\u{e4f6}";
pub const CHECK: &str = "\u{e182}";
pub const CHECK_CIRCLE: &str = "\u{e184}";
pub const WARNING: &str = "\u{e4e0}";
pub const INFO: &str = "\u{e2ce}";
pub const PLAY: &str = "\u{e3d0}";
pub const PAUSE: &str = "\u{e39e}";
pub const AGAIN: &str = "\u{e094}";
pub const STOP: &str = "\u{e46c}";
pub const USER: &str = "\u{e4c2}";
pub const PREVIOUS: &str = "\u{e138}";
pub const NEXT: &str = "\u{e13a}";
pub const NEXT_UNLABELLED: &str = "\u{e5a6}";
pub const COPY: &str = "\u{e1ca}";
pub const PLUS: &str = "\u{e3d4}";
pub const MINUS: &str = "\u{e32a}";
pub const IMPORT: &str = "\u{e20c}";
pub const EXPORT: &str = "\u{eaf0}";
pub const HELP: &str = "\u{e3e8}";
pub const COMMAND: &str = "\u{e1c4}";
pub const SUN: &str = "\u{e472}";
pub const MOON: &str = "\u{e330}";
pub const DESKTOP: &str = "\u{e560}";
pub const DEMO: &str = "\u{e6a2}";
pub const CLOCK: &str = "\u{e19a}";
pub const FULL_SCREEN: &str = "\u{e0a2}";
pub const FILTER: &str = "\u{e266}";
pub const SET_ASIDE: &str = "\u{e3de}";
pub const SHUFFLE: &str = "\u{e422}";
pub const LINK: &str = "\u{e2e2}";
pub const SELECTION: &str = "\u{e296}";
pub const IMAGE_BROKEN: &str = "\u{e7a8}";
