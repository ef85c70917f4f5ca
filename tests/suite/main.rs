//! What a user relies on, through the doors that a user has: the program, its files, its screen.
//!
//! One binary, because linking it is the dearest part of the test run.

mod any_object;
mod architecture;
mod bad_input;
mod changes;
mod faults;
mod headless;
mod interop;
mod pty;
mod readme;
mod schedule;
mod sign_in;
mod support;
mod worker;
mod writers;
