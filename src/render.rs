//! Issue → Rendered: what every reader gets, with gaps for what differs.
