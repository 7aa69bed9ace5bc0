//! The numbers of an experiment as CSV, JSON or Parquet: one row for each number, with the same columns in each form.
//!
//! Values are written so that they read back to the bit; one that is not there is empty in CSV, `null` in the others.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Number,
}

/// The columns, in their order.
const COLUMNS: [(&str, Kind); 13] = [
    ("method", Kind::Text),
    ("features", Kind::Text),
    ("clusterer", Kind::Text),
    ("clusters", Kind::Whole),
    ("seed", Kind::Whole),
    ("study", Kind::Text),
    ("condition", Kind::Text),
    ("rater", Kind::Text),
    ("score", Kind::Text),
    ("value", Kind::Number),
    ("standard_deviation", Kind::Number),
    ("raters", Kind::Whole),
    ("pictures", Kind::Whole),
];

/// Writes rows, given as JSON objects, as CSV.
///
/// # Errors
/// Those of `target`.
pub fn write_csv(rows: &[Map<String, Value>], target: impl Write) -> io::Result<()> {
    let mut writer = super::table::writer(target);
    writer.write_record(COLUMNS.map(|(name, _)| name))?;
    for row in rows {
        writer.write_record(COLUMNS.map(|(name, _)| match row.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }))?;
    }
    writer.flush()
}

/// The bytes of a Parquet file of the rows, packed with zstd.
///
/// # Errors
/// `Internal` when the library refuses them.
pub fn to_parquet(rows: &[Map<String, Value>]) -> Result<Vec<u8>> {
    parquet_bytes(rows).map_err(|error| Error::internal(format!("the Parquet file cannot be made: {error}")))
}

fn parquet_bytes(rows: &[Map<String, Value>]) -> parquet::errors::Result<Vec<u8>> {
    let field = |(name, kind): (&str, Kind)| {
        let physical = match kind {
            Kind::Text => PhysicalType::BYTE_ARRAY,
            Kind::Whole => PhysicalType::INT64,
            Kind::Number => PhysicalType::DOUBLE,
        };
        let logical = (kind == Kind::Text).then_some(LogicalType::String);
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let fields = COLUMNS.into_iter().map(field).collect::<parquet::errors::Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    let packed = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let properties = Arc::new(WriterProperties::builder().set_compression(packed).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    let mut group = writer.next_row_group()?;
    for (name, kind) in COLUMNS {
        let Some(mut column) = group.next_column()? else { break };
        let present: Vec<&Value> = rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null)).collect();
        // 1 where there is a value, 0 where there is none.
        let levels: Vec<i16> = present.iter().map(|value| i16::from(!value.is_null())).collect();
        let values = present.into_iter().filter(|value| !value.is_null());
        match kind {
            Kind::Text => {
                let texts: Vec<ByteArray> = values.map(|text| text.as_str().unwrap_or_default().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
            }
            Kind::Whole => {
                let wholes: Vec<i64> = values.map(|whole| whole.as_i64().unwrap_or_default()).collect();
                column.typed::<Int64Type>().write_batch(&wholes, Some(&levels), None)?;
            }
            Kind::Number => {
                let numbers: Vec<f64> = values.map(|number| number.as_f64().unwrap_or_default()).collect();
                column.typed::<DoubleType>().write_batch(&numbers, Some(&levels), None)?;
            }
        }
        column.close()?;
    }
    group.close()?;
    writer.into_inner()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn the_three_forms_say_the_same() {
        let row = |rater: Value, value: Value| {
            let row = serde_json::json!({
                "method": "a, b", "features": "f", "clusterer": "k-means", "clusters": 4, "seed": 1, "study": null,
                "condition": "2", "rater": rater, "score": "entropy", "value": value, "standard_deviation": null,
                "raters": null, "pictures": 120,
            });
            row.as_object().unwrap().clone()
        };
        let rows = [row(Value::Null, 0.1.into()), row("ろ".into(), Value::Null)];
        let mut csv = Vec::new();
        write_csv(&rows, &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert!(
            csv.ends_with(
                "\"a, b\",f,k-means,4,1,,2,,entropy,0.1,,,120\n\"a, b\",f,k-means,4,1,,2,ろ,entropy,,,,120\n"
            ),
            "{csv}"
        );
        let mut lines = Vec::new();
        crate::interchange::write_json_lines(&rows, &mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let back: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, rows.clone().map(Value::Object));
        let reader = SerializedFileReader::new(bytes::Bytes::from(to_parquet(&rows).unwrap())).unwrap();
        // As text, since numbers and texts are the same there as in JSON.
        let back: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert!(back.len() == 2 && back[0].contains("method: \"a, b\"") && back[0].contains("value: 0.1"), "{back:?}");
        assert!(
            back[0].contains("rater: null") && back[1].contains("rater: \"ろ\"") && back[1].contains("value: null")
        );
    }
}
