// Made from the description of the API by runtime/ui/types_test.go; UPDATE=1 writes it anew. Not to be edited.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Alert {
  at: string;
  count: number;
  kind: string;
  message: string;
}

export interface Attempt {
  at: string;
  duration_ms: number;
  error?: Failure;
  status?: number;
}

export interface AuditEntry {
  at: string;
  count?: number;
  detail?: string;
  from?: string;
  ids?: string[];
  result: string;
  role: "view" | "operate";
  seq: number;
  via: "local" | "token" | "session" | "proxy";
  what: string;
  who: string;
}

export interface AuditList {
  audit: AuditEntry[];
  next?: string;
}

export interface BackfillEffect {
  action: string;
  effect: "idempotent" | "keyed" | "at_most_once";
  step: string;
}

export interface BackfillRequest {
  objects?: string;
  preview?: boolean;
  recipe: string;
  since?: string;
}

export interface BackfillResult {
  done: number;
  effects: BackfillEffect[];
  had: number;
  matched: number;
  reason?: string;
  refused: number;
  seen: number;
  types: Record<string, number>;
}

export interface BackupRequest {
  path: string;
}

export interface BackupResult {
  path: string;
}

export interface Breaker {
  connection: string;
  reason: string;
  since: string;
  state: "open" | "half-open";
  until: string;
}

export interface BreakerList {
  breakers: Breaker[];
}

export interface BulkRefusal {
  reason: string;
  run: string;
}

export interface BulkRequest {
  again?: boolean;
  current?: boolean;
  event?: string;
  from_start?: boolean;
  http?: number;
  kind?: string;
  preview?: boolean;
  q?: string;
  recipe?: string;
  since?: string;
  status?: string;
  step?: string;
  until?: string;
  where?: string[];
}

export interface BulkResult {
  done: number;
  failed: number;
  matched: number;
  recipes: Record<string, number>;
  refused?: BulkRefusal[];
}

export interface Case {
  default?: boolean;
  nodes: string[];
  values: string[];
}

export interface CatalogEntry {
  doc?: string;
  effect?: string;
  events?: string[];
  example?: string;
  fields: CatalogField[];
  inputs: CatalogField[];
  kind: string;
  limit?: string;
  limits?: ConnLimit[];
  may_be_null?: boolean;
  name: string;
  one_of?: string[][];
  outputs: CatalogField[];
  path?: string;
  repeat?: string;
  sample?: Json;
  service: string;
  settings: CatalogField[];
  title: string;
}

export interface CatalogField {
  default?: string;
  doc?: string;
  enum?: string[];
  env?: string;
  example?: string;
  name: string;
  nullable?: boolean;
  object?: boolean;
  required?: boolean;
  role?: string;
  secret?: boolean;
  type: string;
}

export interface CatalogItem {
  doc?: string;
  effect?: string;
  kind: string;
  name: string;
  offered: boolean;
  service: string;
}

export interface CatalogList {
  entries: CatalogItem[];
  services: CatalogService[];
}

export interface CatalogPair {
  action: string;
  filename: string;
  guarded: boolean;
  look_ups: string[];
  not_null: string[];
  recipe: string;
  title: string;
  trigger: string;
  variables: CatalogVariable[];
}

export interface CatalogService {
  actions: number;
  doc: string;
  name: string;
  pairs?: boolean;
  title: string;
  triggers: number;
}

export interface CatalogVariable {
  doc?: string;
  example?: string;
  name: string;
  type: string;
}

export interface ConnLimit {
  burst?: number;
  class?: string;
  concurrency?: number;
  rate?: number;
}

export interface Connection {
  door?: string;
  endpoint?: string;
  livemode?: boolean;
  name: string;
  not_sent?: string[];
  polled?: boolean;
  problem?: string;
  service: string;
}

export interface ConnectionDetail {
  breaker?: Breaker;
  callers: string[];
  door?: string;
  endpoint?: string;
  events: string[];
  last_event?: string;
  last_event_at?: string;
  limits: ConnLimit[];
  listeners: string[];
  livemode?: boolean;
  missing: Gap[];
  name: string;
  not_sent?: string[];
  polled?: boolean;
  problem?: string;
  service: string;
  title?: string;
}

export interface ConnectionList {
  connections: ConnectionDetail[];
}

export interface Counts {
  bytes: number;
  events: number;
  runs: Record<string, number>;
  undecided: number;
}

export interface Decision {
  at: string;
  matched: string[];
  program: string;
  runs: number;
}

export interface Diagnostic {
  code?: string;
  column?: number;
  context?: string;
  detail: string;
  end_column?: number;
  end_line?: number;
  filename?: string;
  line?: number;
  severity: string;
  summary: string;
}

export interface Draft {
  at: string;
  diagnostics: Diagnostic[];
  source: string;
}

export interface Edge {
  from: string;
  kind: string;
  label?: string;
  to: string;
}

export interface EngineStatus {
  alerts?: Alert[];
  breakers?: Breaker[];
  draining?: boolean;
  in_flight: number;
  lanes?: number;
  paused?: Pause[];
  program: string;
  queue_depth: number;
  queued?: number;
  recipes: number;
}

export interface Error {
  error: Problem;
}

export interface Event {
  account?: string;
  api_version?: string;
  connection: string;
  decision?: Decision;
  id: string;
  livemode: boolean;
  masked?: number;
  payload?: Json;
  reads?: Read[];
  received_at: string;
  runs?: Run[];
  seq: number;
  service: string;
  time: string;
  type: string;
}

export interface EventList {
  events: Event[];
  next?: string;
}

export interface Failure {
  kind: string;
  message: string;
  status?: number;
  step?: string;
}

export interface FailureGroup {
  count: number;
  event_types: string[];
  first: string;
  http?: number;
  kind: string;
  last: string;
  message: string;
  messages: number;
  recipe: string;
  retry: BulkRequest;
  runs: string[];
  step?: string;
  transient: boolean;
}

export interface FailureList {
  failed: number;
  groups: FailureGroup[];
  older?: boolean;
  seen: number;
}

export interface Fixture {
  dropped: string[];
  event: Json;
  replaced: string[];
}

export interface FixtureRequest {
  connection?: string;
  keep?: string[];
}

export interface Gap {
  connection: string;
  found: string;
  id: string;
  time: string;
  type: string;
}

export interface GapList {
  gaps: Gap[];
}

export interface Gate {
  filename: string;
  line: number;
  name: string;
  parts?: Part[];
  passed: boolean;
  source: string;
  value: string;
}

export interface Graph {
  description?: string;
  disabled?: boolean;
  edges: Edge[];
  nodes: Node[];
  on_error?: Node[];
  recipe: string;
  triggers: Trigger[];
}

export interface History {
  events: Event[];
  next?: string;
}

export interface Looked {
  connection: string;
  path?: string;
  type: string;
}

export interface Missed {
  events: number;
  runs: number;
}

export interface Node {
  action?: string;
  after?: string[];
  calls?: string;
  cases?: Case[];
  condition?: string;
  connection?: string;
  continue_on_error?: boolean;
  fetches?: string;
  for_each?: string;
  gates: string[];
  id: string;
  kind: string;
  name: string;
  needs: string[];
  on?: string;
  range: Range;
  wait?: Wait;
  when?: string;
  within?: Within;
}

export interface Part {
  depth: number;
  source: string;
  value: string;
}

export interface Pause {
  drop: boolean;
  held: number;
  reason?: string;
  recipe: string;
}

export interface PauseList {
  paused: Pause[];
}

export interface PauseRequest {
  drop?: boolean;
  recipe: string;
}

export interface Pos {
  byte: number;
  column: number;
  line: number;
}

export interface Probe {
  reason?: string;
  status: "ok" | "ready" | "not ready";
}

export interface Problem {
  code: string;
  message: string;
}

export interface Program {
  at?: string;
  digest: string;
  files: Record<string, string>;
}

export interface ProgramRuns {
  program: string;
  queued: number;
  running: number;
  waiting: number;
}

export interface Range {
  end: Pos;
  filename: string;
  start: Pos;
}

export interface Read {
  path: string;
  recipes: string[];
}

export interface Recipe {
  actions: string[];
  description?: string;
  enabled: boolean;
  filename: string;
  labels?: Record<string, string>;
  name: string;
  on_older?: number;
  paused?: "hold" | "drop";
  programs?: ProgramRuns[];
  queued: number;
  reason?: string;
  removed?: boolean;
  running: number;
  triggers: RecipeTrigger[];
  waiting: number;
}

export interface RecipeDetail {
  actions: string[];
  callers?: string[];
  calls?: string[];
  description?: string;
  diagnostics: Diagnostic[];
  draft?: Draft;
  effects: RecipeEffect[];
  enabled: boolean;
  filename: string;
  graph?: Graph;
  labels?: Record<string, string>;
  last_runs: Run[];
  name: string;
  on_older?: number;
  paused?: "hold" | "drop";
  programs?: ProgramRuns[];
  queued: number;
  reads: string[];
  reason?: string;
  removed?: boolean;
  running: number;
  source: string;
  stats: RecipeStats;
  triggers: RecipeTrigger[];
  versions: RecipeVersion[];
  waiting: number;
}

export interface RecipeEffect {
  action: string;
  effect: string;
  step: string;
}

export interface RecipeList {
  recipes: Recipe[];
}

export interface RecipeStats {
  canceled: number;
  completed: number;
  dead?: boolean;
  failed: number;
  filtered: number;
  last_at?: string;
  more: boolean;
  p50_ms: number;
  p95_ms: number;
  recipe: string;
  runs: number;
  served?: string;
  since?: string;
  skipped: number;
}

export interface RecipeStatsList {
  recipes: RecipeStats[];
}

export interface RecipeTrigger {
  connection: string;
  events: string[];
  type: string;
}

export interface RecipeVersion {
  at: string;
  current?: boolean;
  program: string;
  source: string;
}

export interface Reload {
  at: string;
  changed: boolean;
  diagnostics?: string;
  digest: string;
  duration_ms: number;
  ok: boolean;
  recipes: number;
}

export interface ReplayRequest {
  again?: boolean;
  connection?: string;
  dry?: boolean;
  recipe?: string;
}

export interface ResolveRequest {
  outcome: "sent" | "resend";
  step?: string;
}

export interface ResumeRequest {
  recipe: string;
}

export interface RetryRequest {
  again?: boolean;
  current?: boolean;
  from_start?: boolean;
}

export interface RevealRequest {
  connection?: string;
  reason?: string;
}

export interface Revealed {
  event?: Event;
  run?: Run;
  why?: Why;
}

export interface Run {
  connection: string;
  due_at?: string;
  duration_ms: number;
  ended_at?: string;
  error?: Failure;
  event_id: string;
  event_type: string;
  generation?: number;
  id: string;
  input?: Json;
  masked?: number;
  output?: Json;
  parent?: string;
  program: string;
  queue?: "none" | "concurrency" | "throttle" | "debounce" | "paused";
  recipe: string;
  replay_of?: string;
  retries?: number;
  shadow?: boolean;
  started_at: string;
  status: "running" | "waiting" | "completed" | "filtered" | "failed" | "canceled" | "queued" | "skipped";
  steps?: Step[];
  stopped_by?: string;
}

export interface RunList {
  next?: string;
  runs: Run[];
}

export interface Session {
  ends?: string;
  name: string;
  role: "view" | "operate";
  via: "local" | "token" | "session" | "proxy";
}

export interface SignIn {
  token: string;
}

export interface Stats {
  bucket_ms: number;
  buckets: StatsBucket[];
  runs: Record<string, number>;
  since: string;
  until: string;
}

export interface StatsBucket {
  at: string;
  runs: Record<string, number>;
}

export interface Status {
  connections: Connection[];
  control: string;
  dir: string;
  engine?: EngineStatus;
  last_good_reload?: Reload;
  last_reload?: Reload;
  listen: string;
  mode: "serve" | "dev";
  not_ready?: string;
  on_older?: number;
  ready: boolean;
  removed?: string[];
  shadow?: boolean;
  started_at: string;
  store: string;
  store_counts: Counts;
  uptime_ms: number;
  version: string;
}

export interface Step {
  action: string;
  address: string;
  attempts?: Attempt[];
  child?: string;
  due_at?: string;
  duration_ms: number;
  each?: string;
  ended_at?: string;
  error?: Failure;
  index?: number;
  input?: Json;
  key?: string;
  output?: Json;
  shadow?: boolean;
  started_at?: string;
  status: "intent" | "waiting" | "done" | "skipped" | "failed" | "unknown";
}

export interface Trigger {
  connection: string;
  events: string[];
  latest?: boolean;
  name: string;
  range: Range;
  type: string;
}

export interface TriggerRequest {
  connection?: string;
  set?: Record<string, string>;
  type: string;
}

export interface TriggerResult {
  accepted: boolean;
  connection: string;
  event_id: string;
  type: string;
}

export interface TryCall {
  action: string;
  each?: string;
  input?: Json;
  recipe?: string;
  step: string;
}

export interface TryRequest {
  connection?: string;
  recipe: string;
  source: string;
}

export interface TryResult {
  because: string;
  calls: TryCall[];
  diagnostics: Diagnostic[];
  gates: Gate[];
  outcome: string;
  unknown?: string[];
}

export interface Verdict {
  because: string;
  gates?: Gate[];
  outcome: "ran" | "held back" | "not started" | "failed" | "disabled";
  recipe: string;
  run?: string;
  status?: string;
}

export interface Wait {
  event?: string;
  for?: string;
  match?: string;
  timeout?: string;
  until?: string;
}

export interface WaitingList {
  more?: boolean;
  queued: number;
  recipes: WaitingRecipe[];
  timed: WaitingRun[];
  untimed: WaitingRun[];
  waiting: number;
}

export interface WaitingRecipe {
  queued: number;
  recipe: string;
  waiting: number;
}

export interface WaitingRun {
  for: Waking[];
  run: Run;
}

export interface Waking {
  attempts?: number;
  due_at?: string;
  each?: string;
  error?: Failure;
  events?: Looked[];
  kind: string;
  run?: string;
  step?: string;
}

export interface Why {
  event: Event;
  known: boolean;
  note?: string;
  others: number;
  program: string;
  served?: string;
  verdict: Verdict[];
}

export interface Within {
  case: number;
  switch: string;
}

/** What each path takes and answers. */
export interface Routes {
  "GET /api/v1/audit": { query: "who" | "what" | "id" | "since" | "limit" | "cursor"; body: undefined; answer: AuditList };
  "POST /api/v1/backfill": { query: never; body: BackfillRequest; answer: BackfillResult };
  "GET /api/v1/catalog": { query: "service" | "kind" | "q"; body: undefined; answer: CatalogList };
  "GET /api/v1/catalog/pair": { query: "trigger" | "action"; body: undefined; answer: CatalogPair };
  "GET /api/v1/catalog/{name}": { query: "kind" | "path"; body: undefined; answer: CatalogEntry };
  "GET /api/v1/connections": { query: never; body: undefined; answer: ConnectionList };
  "GET /api/v1/events": { query: "connection" | "type" | "where" | "q" | "until" | "since" | "limit" | "cursor"; body: undefined; answer: EventList };
  "GET /api/v1/events/{id}": { query: "connection" | "masked"; body: undefined; answer: Event };
  "POST /api/v1/events/{id}/fixture": { query: never; body: FixtureRequest; answer: Fixture };
  "POST /api/v1/events/{id}/replay": { query: never; body: ReplayRequest; answer: RunList };
  "POST /api/v1/events/{id}/reveal": { query: never; body: RevealRequest; answer: Revealed };
  "POST /api/v1/events/{id}/try": { query: never; body: TryRequest; answer: TryResult };
  "GET /api/v1/events/{id}/why": { query: "connection" | "masked"; body: undefined; answer: Why };
  "GET /api/v1/failures": { query: "recipe" | "since"; body: undefined; answer: FailureList };
  "GET /api/v1/gaps": { query: never; body: undefined; answer: GapList };
  "GET /api/v1/history": { query: "masked" | "since" | "limit" | "cursor"; body: undefined; answer: History };
  "GET /api/v1/openapi.json": { query: never; body: undefined; answer: Record<string, Json> };
  "GET /api/v1/program": { query: "digest"; body: undefined; answer: Program };
  "GET /api/v1/recipe-stats": { query: never; body: undefined; answer: RecipeStatsList };
  "GET /api/v1/recipes": { query: never; body: undefined; answer: RecipeList };
  "POST /api/v1/recipes/pause": { query: never; body: PauseRequest; answer: Pause };
  "POST /api/v1/recipes/resume": { query: never; body: ResumeRequest; answer: Pause };
  "GET /api/v1/recipes/{name}": { query: "program"; body: undefined; answer: RecipeDetail };
  "POST /api/v1/reload": { query: never; body: undefined; answer: Reload };
  "GET /api/v1/runs": { query: "recipe" | "status" | "event" | "kind" | "step" | "where" | "q" | "until" | "masked" | "since" | "limit" | "cursor"; body: undefined; answer: RunList };
  "POST /api/v1/runs/cancel": { query: never; body: BulkRequest; answer: BulkResult };
  "POST /api/v1/runs/move": { query: never; body: BulkRequest; answer: BulkResult };
  "POST /api/v1/runs/retry": { query: never; body: BulkRequest; answer: BulkResult };
  "GET /api/v1/runs/{id}": { query: "masked"; body: undefined; answer: Run };
  "POST /api/v1/runs/{id}/cancel": { query: never; body: Record<string, never>; answer: Run };
  "POST /api/v1/runs/{id}/move": { query: never; body: Record<string, never>; answer: Run };
  "POST /api/v1/runs/{id}/resolve": { query: never; body: ResolveRequest; answer: Run };
  "POST /api/v1/runs/{id}/retry": { query: never; body: RetryRequest; answer: Run };
  "POST /api/v1/runs/{id}/reveal": { query: never; body: RevealRequest; answer: Revealed };
  "GET /api/v1/runs/{id}/why": { query: "masked"; body: undefined; answer: Why };
  "DELETE /api/v1/session": { query: never; body: undefined; answer: Record<string, never> };
  "GET /api/v1/session": { query: never; body: undefined; answer: Session };
  "POST /api/v1/session": { query: never; body: SignIn; answer: Session };
  "GET /api/v1/stats": { query: "since" | "until" | "recipe" | "bucket"; body: undefined; answer: Stats };
  "GET /api/v1/status": { query: never; body: undefined; answer: Status };
  "POST /api/v1/store/backup": { query: never; body: BackupRequest; answer: BackupResult };
  "POST /api/v1/trigger": { query: never; body: TriggerRequest; answer: TriggerResult };
  "GET /api/v1/waiting": { query: "recipe" | "limit"; body: undefined; answer: WaitingList };
  "GET /healthz": { query: never; body: undefined; answer: Probe };
  "GET /readyz": { query: never; body: undefined; answer: Probe };
}

/** What the stream tells. */
export interface StreamEvents {
  alert: Alert;
  breakers: BreakerList;
  event: Event;
  missed: Missed;
  paused: PauseList;
  reload: Reload;
  run: Run;
}
