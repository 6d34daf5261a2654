//! What the suites share: the program and servers to talk to, clients to talk with, stores, and faults between them.

mod client;
mod cloud;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod s3_in_memory;
mod server;
pub(crate) mod signer;
pub(crate) mod terminal;
mod tls;
mod workspace;
pub(crate) mod writer;

pub(crate) use client::{Answer, Client, JSON, resolve};
pub(crate) use cloud::Cloud;
pub(crate) use server::{Server, commands, listening, program, repair, repair_after_failures, until};
pub(crate) use workspace::{TEST_FEATURES, examples, root, without_cargo};
