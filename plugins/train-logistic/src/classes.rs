//! The classes: the different values of the target, in order.

use std::collections::BTreeMap;

use sprag_sdk::{Column, Dtype, Failure, Values};

/// More classes than this are a mistake in the project: an identifier, or a measurement, as the target.
const MAX_CLASSES: usize = 1000;

/// The classes of a target column: text in the order of its bytes, whole numbers ascending, false before true.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    dtype: Dtype,
    labels: Vec<String>,
    index: BTreeMap<String, usize>,
}

impl Classes {
    /// No classes yet, of a target of this type.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] for floats and points in time, which name no class.
    pub fn new(name: &str, dtype: Dtype) -> Result<Self, Failure> {
        match dtype {
            Dtype::Text | Dtype::Integer | Dtype::Boolean => Ok(Self { dtype, labels: Vec::new(), index: BTreeMap::new() }),
            Dtype::Float | Dtype::Timestamp => Err(Failure::bad_input(format!(
                "expected classes (text, integer or boolean) in target column `{name}`, found {}",
                dtype.name()
            ))),
        }
    }

    /// The type of the target.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The classes as text, in order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Learns the classes of a batch whose first row is row `offset`.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] at a null, or at too many classes.
    pub(crate) fn learn(&mut self, name: &str, column: &Column, offset: usize) -> Result<(), Failure> {
        if let Some(row) = column.first_null() {
            return Err(Failure::bad_input(format!(
                "expected a class in target column `{name}`, row {}, found no value",
                offset + row
            )));
        }
        for row in 0..column.len() {
            let label = column.display(row).unwrap_or_default();
            if !self.index.contains_key(&*label) {
                self.index.insert(label.into_owned(), 0);
            }
        }
        if self.index.len() > MAX_CLASSES {
            return Err(Failure::bad_input(format!(
                "expected at most {MAX_CLASSES} classes in target column `{name}`, found more"
            )));
        }
        Ok(())
    }

    /// Puts what was learnt in order.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] where there are fewer than two classes.
    pub(crate) fn settle(&mut self, name: &str) -> Result<(), Failure> {
        let mut labels: Vec<_> = self.index.keys().cloned().collect();
        if labels.len() < 2 {
            let found = labels.first().map_or_else(|| "no row".to_owned(), |label| format!("only `{label}`"));
            return Err(Failure::bad_input(format!("expected at least two classes in target column `{name}`, found {found}")));
        }
        if self.dtype == Dtype::Integer {
            labels.sort_by_key(|label| label.parse::<i64>().unwrap_or_default());
        }
        self.index = labels.iter().cloned().zip(0..).collect();
        self.labels = labels;
        Ok(())
    }

    /// The class of each row.
    pub(crate) fn indices(&self, column: &Column) -> Vec<usize> {
        (0..column.len())
            .map(|row| column.display(row).and_then(|label| self.index.get(&*label).copied()).unwrap_or_default())
            .collect()
    }

    /// The classes of these names, as a model's state keeps them.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] when a name is not of the type.
    pub(crate) fn from_labels(dtype: Dtype, labels: Vec<String>) -> Result<Self, Failure> {
        let sound = |label: &String| match dtype {
            Dtype::Text => true,
            Dtype::Integer => label.parse::<i64>().is_ok(),
            Dtype::Boolean => label.parse::<bool>().is_ok(),
            Dtype::Float | Dtype::Timestamp => false,
        };
        match labels.iter().find(|label| !sound(label)) {
            Some(label) => Err(Failure::bad_input(format!("expected classes of type {}, found `{label}`", dtype.name()))),
            None => Ok(Self { dtype, index: labels.iter().cloned().zip(0..).collect(), labels }),
        }
    }

    /// A column of classes.
    pub(crate) fn column(&self, indices: impl Iterator<Item = usize>) -> Column {
        let labels = indices.map(|class| &self.labels[class]);
        let values = match self.dtype {
            Dtype::Integer => Values::Integers(labels.map(|label| label.parse().unwrap_or_default()).collect()),
            Dtype::Boolean => Values::Booleans(labels.map(|label| u8::from(label == "true")).collect()),
            _ => return Column::texts(labels),
        };
        Column { values, validity: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(dtype: Dtype, column: &Column) -> Result<Classes, Failure> {
        let mut classes = Classes::new("y", dtype)?;
        classes.learn("y", column, 0)?;
        classes.settle("y")?;
        Ok(classes)
    }

    #[test]
    fn whole_numbers_are_ordered_as_numbers() {
        let column = Column { values: Values::Integers(vec![10, 2, -1, 2]), validity: None };
        let found = classes(Dtype::Integer, &column).unwrap();
        assert_eq!(found.labels(), ["-1", "2", "10"]);
        assert_eq!(found.indices(&column), [2, 1, 0, 1]);
        assert_eq!(found.column([0, 2].into_iter()).display(1).as_deref(), Some("10"));
    }

    #[test]
    fn what_is_no_class_is_refused() {
        let refused = |dtype, column: &Column| classes(dtype, column).unwrap_err().message().to_owned();
        let float = "expected classes (text, integer or boolean) in target column `y`, found float";
        assert_eq!(refused(Dtype::Float, &Column::floats(vec![1.0])), float);
        assert_eq!(
            refused(Dtype::Text, &Column::texts(["a", "a"])),
            "expected at least two classes in target column `y`, found only `a`"
        );
        let gap = Column { validity: Some(vec![0b01]), ..Column::texts(["a", ""]) };
        assert_eq!(refused(Dtype::Text, &gap), "expected a class in target column `y`, row 1, found no value");
        let many = Column::texts((0..2000).map(|row| row.to_string()));
        assert_eq!(refused(Dtype::Text, &many), "expected at most 1000 classes in target column `y`, found more");
    }
}
