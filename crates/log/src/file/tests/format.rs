//! The format is a promise: what one release wrote, every later one reads.
