//! The body of `POST /score`: `{"data":[[..],..]}`, `{"data":[{"column":..},..]}` or `{"columns":[..],"data":[[..],..]}`.

use std::borrow::Cow;

use crate::columns::Column;
use crate::json::{Elements, Members, Reader, Unread, shown};
use crate::problem::Problem;
use crate::signature::Field;

/// Reads the rows of a request into the model's columns.
pub(crate) fn decode(fields: &[Field], body: &[u8], most_rows: u32) -> Result<(u32, Vec<Column>), Problem> {
    let mut reader = Reader::new(body)?;
    let mut rows = Rows::new(fields, most_rows);
    let whole = |unread: Unread| unread.whole("as the body of the request");
    let mut members = Members::open(&mut reader, "an object with the key `data`").map_err(whole)?;
    let (mut data, mut order) = (false, None);
    // Where `columns` stands behind `data`, the data waits for it.
    let mut waiting = None;
    while let Some(key) = members.next_key(&mut reader).map_err(whole)? {
        match key.as_ref() {
            "data" if !data => {
                data = true;
                if order.is_none() && reader.rest().contains("\"columns\"") {
                    waiting = Some(reader);
                    reader.skip().map_err(|unread| unread.whole("as `data`"))?;
                } else {
                    rows.read(&mut reader, order.as_deref())?;
                }
            }
            "columns" if order.is_none() => order = Some(columns(fields, &mut reader)?),
            "data" | "columns" => {
                return Err(Problem::new(422, "repeated-key", format!("expected the key `{key}` once, found it again")));
            }
            other => {
                let message = format!("expected the keys `data` and, if you like, `columns`, found `{}`", shown(other));
                return Err(Problem::new(422, "unknown-key", message));
            }
        }
    }
    reader.end()?;
    if let Some(mut reader) = waiting {
        rows.read(&mut reader, order.as_deref())?;
    }
    if !data {
        return Err(Problem::new(422, "missing-key", "expected the key `data` with an array of rows, found none"));
    }
    if rows.count == 0 {
        return Err(Problem::new(422, "no-rows", "expected at least one row in `data`, found none"));
    }
    Ok((rows.count, rows.columns))
}

/// The model's position of each column that a request names.
fn columns(fields: &[Field], reader: &mut Reader<'_>) -> Result<Vec<usize>, Problem> {
    let whole = |unread: Unread| unread.whole("as `columns`");
    let mut elements = Elements::open(reader, "an array of column names").map_err(whole)?;
    let mut order: Vec<usize> = vec![];
    while elements.next(reader).map_err(whole)? {
        let name = reader.string().map_err(whole)?;
        let position = position(fields, &name, order.len()).ok_or_else(|| unknown_column(fields, &name))?;
        if order.contains(&position) {
            return Err(
                Problem::new(422, "repeated-key", format!("expected each column once, found `{name}` again")).at_field(&name)
            );
        }
        order.push(position);
    }
    match (0..fields.len()).find(|position| !order.contains(position)) {
        Some(missing) => {
            let name = &fields[missing].name;
            Err(Problem::new(422, "missing-column", format!("expected `{name}` among the columns, found it nowhere"))
                .at_field(name))
        }
        None => Ok(order),
    }
}

/// The position of a column; clients mostly name them in the model's order, so that one place is looked at first.
fn position(fields: &[Field], name: &str, likely: usize) -> Option<usize> {
    match fields.get(likely) {
        Some(field) if field.name == name => Some(likely),
        _ => fields.iter().position(|field| field.name == name),
    }
}

fn unknown_column(fields: &[Field], name: &str) -> Problem {
    let known: Vec<_> = fields.iter().take(20).map(|field| format!("`{}`", field.name)).collect();
    let more = if fields.len() > known.len() { format!(" and {} more", fields.len() - known.len()) } else { String::new() };
    let name = shown(name);
    Problem::new(422, "unknown-column", format!("expected a column of the model ({}{more}), found `{name}`", known.join(", ")))
        .at_field(&name)
}

/// The rows read so far.
struct Rows<'f> {
    fields: &'f [Field],
    columns: Vec<Column>,
    count: u32,
    most: u32,
}

impl<'f> Rows<'f> {
    fn new(fields: &'f [Field], most: u32) -> Self {
        let columns = fields.iter().map(|field| Column::empty(field.dtype)).collect();
        Self { fields, columns, count: 0, most }
    }

    fn read(&mut self, reader: &mut Reader<'_>, order: Option<&[usize]>) -> Result<(), Problem> {
        let mut elements = Elements::open(reader, "an array of rows").map_err(|unread| unread.whole("as `data`"))?;
        loop {
            let row = u64::from(self.count);
            match elements.next(reader) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(unread) => return Err(unread.whole("in `data`").at_row(row)),
            }
            if self.count >= self.most {
                let message = format!("expected at most {} rows in one request, found more", self.most);
                return Err(Problem::new(413, "too-many-rows", message));
            }
            match reader.peek() {
                Some(b'[') => self.array(reader, order, row)?,
                Some(b'{') if order.is_none() => self.record(reader, row)?,
                _ => {
                    let expected = if order.is_none() { "an array or an object" } else { "an array" };
                    return Err(reader.unfit(expected).whole(&format!("as row {row}")).at_row(row));
                }
            }
            self.count += 1;
        }
    }

    fn array(&mut self, reader: &mut Reader<'_>, order: Option<&[usize]>, row: u64) -> Result<(), Problem> {
        let in_row = |unread: Unread| unread.whole(&format!("in row {row}")).at_row(row);
        let mut elements = Elements::open(reader, "an array").map_err(in_row)?;
        let width = self.fields.len();
        for place in 0..width {
            let position = order.map_or(place, |order| order[place]);
            let field = &self.fields[position];
            if !elements.next(reader).map_err(in_row)? {
                let message =
                    format!("expected {width} values in row {row}, found {place}: `{}` is the first that is missing", field.name);
                return Err(Problem::new(422, "wrong-width", message).at_row(row).at_field(&field.name));
            }
            reader.value(field, &mut self.columns[position]).map_err(|unread| unread.value(row, &field.name))?;
        }
        if elements.next(reader).map_err(in_row)? {
            let message = format!("expected {width} values in row {row}, found more");
            return Err(Problem::new(422, "wrong-width", message).at_row(row));
        }
        Ok(())
    }

    fn record(&mut self, reader: &mut Reader<'_>, row: u64) -> Result<(), Problem> {
        let in_row = |unread: Unread| unread.whole(&format!("in row {row}")).at_row(row);
        let mut members = Members::open(reader, "an object").map_err(in_row)?;
        let (before, mut seen) = (self.count as usize, 0);
        while let Some(key) = members.next_key(reader).map_err(in_row)? {
            let key: Cow<'_, str> = key;
            let position = position(self.fields, &key, seen).ok_or_else(|| unknown_column(self.fields, &key).at_row(row))?;
            let (field, column) = (&self.fields[position], &mut self.columns[position]);
            if column.values.len() > before {
                let message = format!("expected `{key}` once in row {row}, found it again");
                return Err(Problem::new(422, "repeated-key", message).at_row(row).at_field(&field.name));
            }
            reader.value(field, column).map_err(|unread| unread.value(row, &field.name))?;
            seen += 1;
        }
        if seen == self.fields.len() {
            return Ok(());
        }
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            if column.values.len() > before {
                continue;
            }
            if !field.nullable {
                let message = format!("expected a value for `{}` in row {row}, found none", field.name);
                return Err(Problem::new(422, "missing-value", message).at_row(row).at_field(&field.name));
            }
            column.push_null();
        }
        Ok(())
    }
}
