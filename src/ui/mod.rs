//! The window: live picture, panels, menus.
