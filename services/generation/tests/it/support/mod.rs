//! What these tests share: a suite around the real service, and the store by itself.

pub mod halted;
pub mod peers;
pub mod provider;
pub mod receiver;
pub mod rows;
pub mod suite;
pub mod usage;
pub mod webhooks;

pub use provider::{Play, Scripted};
pub use suite::Suite;

/// Runs each case on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(testkit::TestDb::sqlite("generation").await).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(testkit::TestDb::postgres("generation").await).await;
                }
            )*
        }
    };
}
pub(crate) use on_both;
