//! The words of the house: plain values without I/O, sockets or clocks of their own.

pub mod clock;
pub mod secret;
