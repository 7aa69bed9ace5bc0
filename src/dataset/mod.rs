//! Splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Train,
    Validation,
    Test,
}
impl Part {
    pub fn as_str(self) -> &'static str {
        "train"
    }
}
impl std::str::FromStr for Part {
    type Err = ();
    fn from_str(_: &str) -> Result<Self, ()> {
        Err(())
    }
}
