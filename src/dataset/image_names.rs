//! What the pictures of a project are called, in messages and in files: id ↔ path.
//!
//! Names read from a file are matched with pictures by [`NameMatcher`](crate::interchange::NameMatcher) instead, which
//! also takes bare file names and paths of other machines.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, Result};
use crate::ids::ImageId;

/// The path of each picture, relative to its project's picture folder.
#[derive(Clone, Debug, Default)]
pub struct ImageNames(BTreeMap<ImageId, String>);

impl FromIterator<(ImageId, String)> for ImageNames {
    fn from_iter<I: IntoIterator<Item = (ImageId, String)>>(images: I) -> Self {
        Self(images.into_iter().collect())
    }
}

impl ImageNames {
    /// A picture's path, if the picture is known.
    pub fn get(&self, image: ImageId) -> Option<&str> {
        self.0.get(&image).map(String::as_str)
    }

    /// A picture's path, to be written to a file.
    ///
    /// # Errors
    /// `Data` when the picture is not known.
    pub fn path(&self, image: ImageId) -> Result<String> {
        let path = self.0.get(&image).cloned();
        path.ok_or_else(|| Error::data(format!("the project has no picture {} any more", image.0)))
    }

    /// A picture's path, to be shown to people; `picture 12` when the picture is not known.
    pub fn shown(&self, image: ImageId) -> String {
        self.0.get(&image).cloned().unwrap_or_else(|| format!("picture {}", image.0))
    }

    /// The pictures by path. Of two pictures with one path, from folders imported one by one, the newer.
    pub fn by_path(&self) -> HashMap<&str, ImageId> {
        self.0.iter().map(|(image, path)| (path.as_str(), *image)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_picture_is_an_error_in_a_file() {
        let names: ImageNames = [(1, "a.png"), (2, "b.png"), (3, "a.png")]
            .map(|(image, path)| (ImageId(image), path.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(names.path(ImageId(2)).ok().as_deref(), Some("b.png"));
        assert!(names.path(ImageId(4)).is_err());
        assert_eq!((names.get(ImageId(4)), names.shown(ImageId(4)).as_str()), (None, "picture 4"));
        assert_eq!(names.by_path(), HashMap::from([("a.png", ImageId(3)), ("b.png", ImageId(2))]));
    }
}
