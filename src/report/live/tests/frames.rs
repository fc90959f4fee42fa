//! What the region shows.
