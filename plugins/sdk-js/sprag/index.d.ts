/** A column's type. */
export type Dtype = 'float' | 'integer' | 'boolean' | 'text' | 'timestamp';

/** One column of a schema. */
export interface Field {
  name: string;
  dtype: Dtype;
  nullable?: boolean;
}

/** The values of a column: floats, integers and timestamps, booleans, texts. */
export type Values = Float64Array | BigInt64Array | Uint8Array | string[];

/** A run of rows of one column. `values` has an entry for each row, which at a null is 0 or the empty text. */
export class Column {
  constructor(dtype: Dtype, values: Values, validity?: Uint8Array);
  readonly dtype: Dtype;
  readonly values: Values;
  /** A bitmap, least significant bit first: bit `i` is 1 where row `i` has a value; undefined where no row is null. */
  readonly validity?: Uint8Array;
  readonly length: number;
  /** A `Float64Array` is taken as it is. */
  static floats(values: Iterable<number>): Column;
  static integers(values: Iterable<number | bigint>): Column;
  static booleans(values: Iterable<boolean>): Column;
  static texts(values: Iterable<string>): Column;
  isNull(row: number): boolean;
  /** The rows that hold no value. */
  nulls(): number[];
  /** The values as numbers, nulls as NaN. Floats without nulls are not copied. */
  numbers(): Float64Array;
  /** The values as finite numbers, else `BadInput` with the column and the row, counted from `offset`. */
  finite(name: string, offset?: number): Float64Array;
}

/** A table: named, typed columns of one length. It never changes. */
export abstract class Table {
  readonly schema: Field[];
  readonly rowCount: number;
  /** The column to predict, where the project names one. */
  readonly target?: string;
  /** The columns that a model may use, in order. */
  readonly features: string[];
  readonly digest: string;
  /** Walks the rows in order, `rows` at a time: for each batch a column for each name. */
  abstract batches(columns: string[], rows?: number): IterableIterator<Column[]>;
  /** Walks columns as finite numbers, else `BadInput` with the column and the row. */
  numbers(columns: string[], rows?: number): IterableIterator<Float64Array[]>;
  field(name: string): Field;
  /** The features and the target of a table to learn from. */
  supervised(): { features: string[]; target: string };
}

/** One attempt at one stage. */
export abstract class Session {
  /** The seed for all chance in this stage. `Math.random` gives the numbers of this seed. */
  readonly seed: bigint;
  /** A file that the project gives this stage under a name. */
  abstract input(name: string): Uint8Array | undefined;
  abstract log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  /** Records a metric. It must be finite. */
  abstract measure(name: string, value: number, where?: { split?: string; step?: number }): void;
  /** Records a finding: lower-case words joined by hyphens, and a sentence. */
  abstract find(code: string, message: string, about?: { severity?: 'note' | 'warning' | 'error'; subject?: string }): void;
  abstract progress(done: number, total?: number): void;
  abstract shouldStop(): boolean;
  /** Says how far the work is, and throws `Cancelled` when the stage should stop. */
  advance(done: number, total?: number): void;
  /** Leaves a file with the run. `notify` has no such right. */
  writeArtifact(name: string, mediaType: string, data: Uint8Array): void;
  /** The text that stands for a secret's value in a request. `notify` has it. */
  placeholder(secret: string): string;
}

/** A trained model as an evaluation sees it. */
export interface Model {
  readonly digest: string;
  /** Such as `diabetes@3`; undefined for a candidate. */
  readonly version?: string;
  predict(data: Table): Table;
}

/** A model that a trainer made, which scores with it too. Its state is what its constructor takes. */
export abstract class Scorer<State extends object = Record<string, unknown>> {
  constructor(state: State);
  readonly state: State;
  /** The name of the state's format, such as `line/1`. */
  static format: string;
  static mediaType: string;
  static load(bytes: Uint8Array): Scorer;
  abstract inputs(): Field[];
  outputs(): Field[];
  abstract predict(rows: number, inputs: Column[]): Column[];
  save(): Uint8Array;
}

/** Parameters by name, each with its JSON Schema; one without a `default` is required. */
export type ParamsSchema = Record<string, { default?: unknown; description?: string; [keyword: string]: unknown }>;

/** A stage, to be the default export of `plugin.js`. */
export type Stage<Definition> = Definition & { readonly kind: string };

interface Definition {
  params?: ParamsSchema;
}

export interface SanityCheck<Params> extends Definition {
  check(session: Session, params: Params, data: Table): 'pass' | 'fail' | 'skip';
}

export interface Trainer<Params> extends Definition {
  model: typeof Scorer;
  train(session: Session, params: Params, training: Table, validation?: Table): Scorer<any>;
}

export interface Evaluator<Params> extends Definition {
  evaluate(
    session: Session,
    params: Params,
    candidate: Model,
    production: Model | undefined,
    holdout: Table,
  ): { outcome: 'promote' | 'keep' | 'blocked'; reason: string };
}

export interface Notifier<Params> extends Definition {
  notify(session: Session, params: Params, event: any): void | Promise<void>;
}

export function sanityCheck<Params = any>(definition: SanityCheck<Params>): Stage<SanityCheck<Params>>;
export function trainer<Params = any>(definition: Trainer<Params>): Stage<Trainer<Params>>;
export function evaluator<Params = any>(definition: Evaluator<Params>): Stage<Evaluator<Params>>;
export function notifier<Params = any>(definition: Notifier<Params>): Stage<Notifier<Params>>;

/** Thrown to end a stage. */
export class Failure extends Error {}
export class BadInput extends Failure {}
export class BadParams extends Failure {}
export class Unsupported extends Failure {}
export class Cancelled extends Failure {}
export class Retry extends Failure {}
export class Internal extends Failure {}

export const BATCH_ROWS: number;

/** The sum of products of the first `length` entries. */
export function dot(left: ArrayLike<number>, right: ArrayLike<number>, length?: number): number;

/** The sum of the values. */
export function sum(values: ArrayLike<number>): number;

/** The values, each less the same number. */
export function less(values: ArrayLike<number>, number: number): Float64Array;

/** Solves `matrix x = right` for a symmetric, positive definite matrix. */
export function solve(matrix: Float64Array[], right: ArrayLike<number>): Float64Array;
