//! The quiet room: what a file is, when it may be kept, and how its bytes are handed out.

mod catalog;
mod check;
mod content;
mod download;
mod ending;
mod error;
mod file;
mod intake;
mod name;
mod ports;
mod range;
mod sweep;
mod upload;

pub use catalog::Catalog;
pub use check::{Checker, Dimensions, PictureLimits};
pub use content::Picture;
pub use download::{Conditions, Download, Downloads, Plan, entity_tag};
pub use error::FileError;
pub use file::{File, NewFile};
pub use name::FileName;
pub use ports::{BlobWriter, Blobs, FileStore, Inserted, Pieces, UploadStore};
pub use range::RangeRequest;
pub use sweep::{Ages, Sweeper, Swept};
pub use upload::{UploadPorts, Uploads};
