//! The product as its users meet it: programs, sockets and files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test code: a panic is how it reports, and it passes its environment on"
)]

mod abuse;
mod api;
mod behind_a_prefix;
mod check_and_repair;
mod clients;
mod commands;
mod containers;
mod cost;
mod crashes;
mod deployed;
mod docs;
mod faults;
mod front_page;
mod harness;
mod lambda_events;
mod last_good_copy;
mod late;
mod other_stores;
mod privileges;
mod request_log;
mod stack;
mod startup;
mod suite;
mod template;
mod terminal;
mod transfer;
mod walkthrough;
