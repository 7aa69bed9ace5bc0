//! Files read and written: nothing is lost on the way, and what is wrong is told with its line.

use std::path::Path;

use atmoscope::atomic;
use atmoscope::ids::ImageId;
use atmoscope::interchange::assignments::AssignmentRow;
use atmoscope::interchange::feature_forms::feature_form;
use atmoscope::interchange::features_csv::FeatureTable;
use atmoscope::interchange::groupings::GroupingRow;
use atmoscope::interchange::labels::{LabelRow, LabelTable};
use atmoscope::interchange::{
    NameMatcher, Problem, Separator, Unresolved, assignments, features_csv, groupings, image_list, labels, npy,
    read_file,
};
use atmoscope::random::generator;
use rand::Rng;

fn lines(problems: &[Problem]) -> Vec<u64> {
    problems.iter().map(|problem| problem.line).collect()
}

#[test]
fn labels_are_read() {
    let text = "\u{feff}file_name,cute,\"so, gloomy\"\r\nforest/01.png,0,1\r\n\"comma, quote \"\" and\nline.png\",1,\r\n夜空.jpg,TRUE,0.0\r\n";
    let parsed = labels::parse(text.as_bytes());
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.value.labels, ["cute", "so, gloomy"]);
    let row = |line, image: &str, values: [Option<bool>; 2]| LabelRow {
        line,
        image: image.into(),
        values: values.into(),
        times: Vec::new(),
    };
    assert_eq!(
        parsed.value.rows,
        [
            row(2, "forest/01.png", [Some(false), Some(true)]),
            row(3, "comma, quote \" and\nline.png", [Some(true), None]),
            row(5, "夜空.jpg", [Some(true), Some(false)]),
        ]
    );
}

#[test]
fn labels_are_brought_to_normal_form() {
    // か with a separate voiced sound mark, as macOS spells it, becomes が.
    let parsed = labels::parse("image,か\u{3099}\nか\u{3099}.png,1\n".as_bytes());
    assert_eq!((parsed.value.labels[0].as_str(), parsed.value.rows[0].image.as_str()), ("が", "が.png"));
}

#[test]
fn problems_of_labels_name_their_lines() {
    let text = "image,cute,,cute,cool\n\na.png,1,0,1,maybe\nb.png,1\na.png,0,0,0,0\n,1,1,1,1\n,,,,\nc.png,0,0,0,1\n";
    let parsed = labels::parse(text.as_bytes());
    assert_eq!(lines(&parsed.problems), [1, 1, 3, 4, 5, 6]);
    assert!(parsed.problems[2].to_string().contains("line 3: “cool” is “maybe”"), "{}", parsed.problems[2]);
    assert_eq!(parsed.value.labels, ["cute", "cool"]);
    let images: Vec<_> = parsed.value.rows.iter().map(|row| (row.image.as_str(), row.values.clone())).collect();
    assert_eq!(images, [("a.png", vec![Some(true), None]), ("c.png", vec![Some(false), Some(true)])]);
}

#[test]
fn files_that_are_no_csv_of_ours_say_why() {
    let message = |bytes: &[u8]| labels::parse(bytes).problems[0].message.clone();
    assert!(message(b"").contains("no header"));
    assert!(message(b"picture,cute\na.png,1\n").contains("“image” is missing"));
    assert!(message(b"\xFF\xFEi\0m\0").contains("UTF-16"));
    let shift_jis = labels::parse(b"image,cute\n\x96\xE9.png,1\nb.png,0\n");
    assert_eq!((lines(&shift_jis.problems), shift_jis.value.rows.len()), (vec![2], 1));
}

#[test]
fn semicolons_and_tabs_are_recognised_and_told() {
    let texts = [
        ("image;cute\n\"a;b.png\";1\n", "semicolons"),
        ("sep=;\nimage;cute\n\"a;b.png\";1\n", "semicolons"),
        ("image\tcute\na;b.png\t1\n", "tabs"),
    ];
    for (text, word) in texts {
        let parsed = labels::parse(text.as_bytes());
        assert_eq!((parsed.problems, parsed.value.labels), (vec![], vec!["cute".to_owned()]), "{word}");
        assert_eq!(parsed.value.rows[0].image, "a;b.png");
        assert!(Separator::of(text.as_bytes()).note().unwrap().contains(word));
    }
    let mixed = Separator::of(b"image,cute;cool\n");
    assert_eq!((mixed, mixed.note()), (Separator::Comma, None));
}

#[test]
fn labels_come_back_as_they_were_written() {
    let table = LabelTable {
        labels: vec!["=cute".into(), "so, gloomy".into()],
        rows: vec![
            LabelRow { line: 2, image: "-a.png".into(), values: vec![Some(true), None], times: Vec::new() },
            LabelRow {
                line: 3,
                image: "夜 \"空\".jpg".into(),
                values: vec![Some(false), Some(true)],
                times: Vec::new(),
            },
        ],
    };
    let mut bytes = Vec::new();
    labels::write(&table, "image", &mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), "image,=cute,\"so, gloomy\"\n-a.png,1,\n\"夜 \"\"空\"\".jpg\",0,1\n");
    let parsed = labels::parse(&bytes);
    assert_eq!((parsed.value, parsed.problems), (table, vec![]));
}

#[test]
fn groupings_are_read_in_any_order_of_columns() {
    let text = "group,image,mood,condition,rater,order\nwoods,a.png,?,1,Mori,3\nwoods,b.png,?,1,Mori,\nsea,a.png,?,1,Mori,4\nsea,a.png,?,2,Mori,x\nsea,,?,2,Mori,1\n";
    let parsed = groupings::parse(text.as_bytes());
    assert_eq!(lines(&parsed.problems), [1, 4, 5, 6]);
    assert!(parsed.problems[1].message.contains("line 2"), "{}", parsed.problems[1]);
    assert_eq!(
        parsed.value[0],
        GroupingRow {
            line: 2,
            rater: "Mori".into(),
            condition: "1".into(),
            image: "a.png".into(),
            group: "woods".into(),
            order: Some(3),
            ..GroupingRow::default()
        }
    );
    assert_eq!(parsed.value.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 5]);

    let mut bytes = Vec::new();
    groupings::write(&parsed.value, &mut bytes).unwrap();
    assert!(bytes.starts_with(b"rater,condition,image,group,order\nMori,1,a.png,woods,3\n"));
    let again = groupings::parse(&bytes);
    assert_eq!((again.value.len(), again.problems), (3, vec![]));
}

#[test]
fn assignments_round_trip() {
    let row = |line, image: &str, cluster, distance| AssignmentRow { line, image: image.into(), cluster, distance };
    let rows = [row(2, "a.png", 0, Some(0.1 + 0.2)), row(3, "b.png", 11, None), row(4, "c.png", 2, Some(1234.0))];
    let mut bytes = Vec::new();
    assignments::write(&rows, &mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), "image,cluster,distance\na.png,0,0.3\nb.png,11,\nc.png,2,1234\n");
    let parsed = assignments::parse(&bytes);
    assert_eq!((parsed.problems, parsed.value[0].distance), (vec![], Some(0.3)));

    let bad = assignments::parse(b"image,cluster,distance\na.png,x,1\nb.png,1,far\nb.png,2,1\n");
    assert_eq!((lines(&bad.problems), bad.value), (vec![2, 3, 4], vec![row(3, "b.png", 1, None)]));
}

fn some_features() -> FeatureTable {
    FeatureTable {
        images: vec!["夜.png".into(), "b, c.png".into()],
        names: vec!["cute".into(), "cool".into(), "x".into()],
        values: vec![0.1, -1e-30, 3.0, f32::MIN_POSITIVE, 16_777_217.0, 1.0 / 3.0],
    }
}

#[test]
fn features_as_csv_keep_every_bit() {
    let mut bytes = Vec::new();
    features_csv::write(&some_features(), &mut bytes).unwrap();
    let parsed = features_csv::parse(&bytes);
    assert_eq!((parsed.value, parsed.problems), (some_features(), vec![]));
    let bad = features_csv::parse(b"image,x\na.png,NaN\nb.png,2\n");
    assert_eq!((lines(&bad.problems), bad.value.images.len(), bad.value.values), (vec![2], 1, vec![2.0]));
}

#[test]
fn features_as_npy_keep_every_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("features.npy");
    npy::write_names_of(&path, &some_features()).unwrap();
    npy::write(&some_features(), &mut std::fs::File::create(&path).unwrap()).unwrap();
    assert_eq!(npy::read_files(&path, &std::fs::read(&path).unwrap()).unwrap(), some_features());

    let bytes = std::fs::read(&path).unwrap();
    let data = bytes.len() - 6 * 4;
    assert_eq!((data % 64, bytes[data - 1]), (0, b'\n'), "the header is aligned as NumPy wants it");
    assert!(
        String::from_utf8_lossy(&bytes[10..data])
            .starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
    );

    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    assert!(npy::read_files(&path, &std::fs::read(&path).unwrap()).unwrap_err().message.contains("says 2 × 3"));
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(npy::companions(&path).0, "image\nonly one.png\n").unwrap();
    assert!(npy::read_files(&path, &std::fs::read(&path).unwrap()).unwrap_err().message.contains("name 1 images"));
}

#[test]
fn lists_of_images_are_read() {
    let parsed = image_list::parse("\u{feff}image\r\na.png\r\n\r\n\"b, \"\"c\"\".png\"\r\na.png\r\n夜.png".as_bytes());
    let listed: Vec<_> = parsed.value.iter().map(|entry| (entry.line, entry.image.as_str())).collect();
    assert_eq!(listed, [(2, "a.png"), (4, "b, \"c\".png"), (6, "夜.png")]);
    assert_eq!(lines(&parsed.problems), [5]);
    let mut bytes = Vec::new();
    image_list::write(["a.png", "夜.png"], &mut bytes).unwrap();
    assert_eq!(bytes, "a.png\n夜.png\n".as_bytes());
}

#[test]
fn names_are_matched_with_pictures() {
    let images = [(1, "forest/01.png"), (2, "sea/01.png"), (3, "sea/02.png"), (4, "が.png"), (5, "deep/sea/02.png")];
    let names = NameMatcher::new(images.map(|(id, path)| (ImageId(id), path)));
    let resolved = |name: &str| names.resolve(name).map(|id| id.0);
    assert_eq!(resolved("forest/01.png"), Ok(1));
    assert_eq!(resolved(".\\sea\\01.png"), Ok(2));
    assert_eq!(resolved("か\u{3099}.png"), Ok(4));
    assert_eq!(resolved("C:\\pictures\\forest\\01.png"), Ok(1));
    assert_eq!(resolved("/home/a/deep/sea/02.png"), Ok(5));
    assert_eq!(resolved("sea/02.png"), Ok(3));
    assert_eq!(
        resolved("01.png"),
        Err(Unresolved::Ambiguous {
            name: "01.png".into(),
            candidates: vec!["forest/01.png".into(), "sea/01.png".into()]
        })
    );
    // The same file name in another folder is another picture.
    assert_eq!(resolved("town/01.png"), Err(Unresolved::Unknown { name: "town/01.png".into() }));
    assert_eq!(resolved("1.png"), Err(Unresolved::Unknown { name: "1.png".into() }));
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    atomic::write_file(&path, |writer| writer.write_all(b"first")).unwrap();
    let failed = atomic::write_file(&path, |writer| {
        writer.write_all(b"second")?;
        Err(std::io::Error::other("the disk is full"))
    });
    assert!(failed.unwrap_err().message.contains("labels.csv"));
    assert_eq!(std::fs::read(&path).unwrap(), b"first");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(atomic::write_file(&folder.path().join("no/such/folder.csv"), |_| Ok(())).is_err());
}

#[cfg(unix)]
#[test]
fn only_plain_files_are_written_and_read() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str| atomic::write_file(&at(name), |writer| writer.write_all(b"new"));
    std::fs::create_dir(at("elsewhere")).unwrap();
    std::fs::write(at("elsewhere/old.csv"), "old").unwrap();
    symlink("elsewhere/old.csv", at("link.csv")).unwrap();
    symlink("elsewhere/later.csv", at("dangling.csv")).unwrap();
    for (link, file) in [("link.csv", "elsewhere/old.csv"), ("dangling.csv", "elsewhere/later.csv")] {
        write(link).unwrap();
        assert!(std::fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link} was replaced");
        assert_eq!(std::fs::read(at(file)).unwrap(), b"new");
    }

    assert!(std::process::Command::new("mkfifo").arg(at("pipe.csv")).status().unwrap().success());
    std::fs::write(at("project.db"), b"SQLite format 3\0 and what follows").unwrap();
    symlink("project.db", at("database.csv")).unwrap();
    symlink("circle.csv", at("circle.csv")).unwrap();
    for name in ["elsewhere", "pipe.csv", "project.db", "database.csv", "circle.csv"] {
        let error = write(name).unwrap_err();
        assert!(error.message.contains(name), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 7, "something was left behind");
    for name in ["elsewhere", "pipe.csv"] {
        let error = read_file(&at(name)).unwrap_err();
        assert!(error.exit_code() == 2 && error.hint.is_some(), "{error}");
    }
    std::fs::File::create(at("huge.csv")).unwrap().set_len(1_000_000_001).unwrap();
    assert!(read_file(&at("huge.csv")).unwrap_err().message.contains("1 GB"));
}

#[test]
fn features_come_from_parquet_as_pandas_and_pyarrow_write_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let read = |name: &str| {
        let path = folder.join(name);
        (feature_form(&path).read)(&path, &std::fs::read(&path).unwrap())
    };
    for name in ["features-pandas.parquet", "features-zstd.parquet"] {
        let parsed = read(name).unwrap();
        assert_eq!(parsed.problems, []);
        assert_eq!(parsed.value.names, ["light", "dark", "embedding_0", "embedding_1", "embedding_2"]);
        assert_eq!((parsed.value.images.len(), &*parsed.value.images[11]), (12, "picture-011.png"));
        for (row, values) in parsed.value.values.chunks_exact(5).enumerate() {
            let i = row as f64;
            assert_eq!(values, [i + 0.1, 2.0 * i, i, -i, i / 3.0].map(|value| value as f32));
        }
    }
    let parsed = read("features-bad-rows.parquet").unwrap();
    assert_eq!((parsed.value.images.len(), parsed.value.values.len()), (12, 12));
    let lines: Vec<u64> = parsed.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [13, 14, 15, 16], "{:?}", parsed.problems);
    assert!(parsed.problems[2].message.contains("stands in row 4 already"), "{:?}", parsed.problems);
    let error = read("features-no-image.parquet").unwrap_err();
    assert!(error.message.contains("no column “image”") && error.hint.is_some(), "{}", error.message);
}

/// Bits turned and ends cut: an error or rows, never a panic that is seen.
#[test]
fn damaged_parquet_is_refused_or_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/features-pandas.parquet");
    let sound = std::fs::read(&path).unwrap();
    let mut random = generator(5, "parquet");
    let mut refused = 0;
    for _ in 0..600 {
        let mut bytes = sound.clone();
        if random.gen_bool(0.2) {
            bytes.truncate(random.gen_range(0..sound.len()));
        }
        for _ in 0..random.gen_range(1..6) {
            if !bytes.is_empty() {
                let at = random.gen_range(0..bytes.len());
                bytes[at] ^= 1 << random.gen_range(0..8);
            }
        }
        match (feature_form(&path).read)(&path, &bytes) {
            Ok(parsed) => {
                let columns = parsed.value.names.len();
                assert_eq!(parsed.value.values.len(), parsed.value.images.len() * columns);
                assert!(parsed.value.values.iter().all(|value| value.is_finite()));
            }
            Err(error) => {
                assert!(error.message.contains("features-pandas.parquet"));
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
