//! The providers, each behind `domain::provider::ImageProvider`.
