//! What `deploy/` says about containers is valid, agrees with the code, and runs. There is no container engine here:
//! the program runs on a root file system like the image's, with what each manifest gives it.

mod agreement;
mod dockerfile;
mod helm;
mod kubernetes;
mod lint;
mod manifests;
mod policy;
mod runs;
pub(crate) mod sandbox;
mod setting;
