//! Why a write did not happen.

use std::fmt;

use crate::store::StoreError;

pub enum Fault {
    /// `clean`: nothing of the entry had been written by then, so that the rest of the batch can stand.
    Refused {
        clean: bool,
        why: StoreError,
    },
    Sqlite(rusqlite::Error),
}

pub fn refuse<T>(why: StoreError) -> Result<T, Fault> {
    Err(Fault::Refused { clean: true, why })
}

impl Fault {
    pub fn unclean(self) -> Self {
        match self {
            Self::Refused { why, .. } => Self::Refused { clean: false, why },
            fault @ Self::Sqlite(_) => fault,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Self::Refused { clean: false, why: StoreError::Rule(error.to_string()) }
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { why, .. } => why,
            Fault::Sqlite(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { why, .. } => write!(f, "{why}"),
            Self::Sqlite(error) => write!(f, "{error}"),
        }
    }
}
