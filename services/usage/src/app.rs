//! Puts the rooms together, starts and stops them.

use std::sync::Arc;

use contracts::usage::v1::usage_service_server::UsageServiceServer;
use database::{Database, DatabaseError};
use identity::{RemoteKeys, Verifier};
use server::{GrpcApp, Readiness, ServeError, Shutdown, Sockets};
use types::{Clock, IdSource, SystemClock, SystemIds};

use crate::config::Config;
use crate::domain::usage::Usage;
use crate::rpc::UsageRpc;
use crate::store::{Migrator, SqlBook};
use crate::sweeper;
