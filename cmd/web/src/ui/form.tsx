/*
 * Forms: fields with their labels, and the answer's field messages at the fields.
 */
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { type Call, curl, type Json, type Problem, send } from "../api";
import { refresh } from "../data";
import { t } from "../i18n";
import { Button, ProblemBox, Said } from "./basics";
import { Dialog } from "./dialog";
import { toast } from "./toast";

export interface FieldSpec {
  name: string;
  label: string;
  apiName?: string; // Beside the label, where that is another.
  kind?: "text" | "number" | "boolean" | "date" | "choice";
  required?: boolean;
  chosen?: boolean; // A choice that always has a value.
  value?: string | number | boolean;
  values?: readonly (readonly [value: string, text: string])[]; // Of a choice.
  min?: number;
  max?: number;
  hint?: string;
}

type Values = Record<string, string>;

/* As the API wants it: what is left empty is left out. */
function bodyOf(fields: readonly FieldSpec[], values: Values): Record<string, Json> {
  const body: Record<string, Json> = {};
  for (const field of fields) {
    const text = values[field.name] ?? "";
    if (field.kind === "boolean") body[field.name] = text === "true";
    else if (text === "") continue;
    else if (field.kind === "number" && Number.isFinite(Number(text))) body[field.name] = Number(text);
    else body[field.name] = text;
  }
  return body;
}

function initial(fields: readonly FieldSpec[]): Values {
  return Object.fromEntries(fields.map((field) => [field.name, String(field.value ?? "")]));
}

export function Field(props: {
  field: FieldSpec;
  value: string;
  error?: string | undefined;
  onInput: (value: string) => void;
}) {
  const id = useId();
  const { field, value, error } = props;
  const described = [error ? `${id}-error` : "", field.hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  const common = {
    id,
    name: field.name,
    "aria-invalid": error !== undefined,
    "aria-describedby": described || undefined,
    "aria-required": field.required === true,
  };
  if (field.kind === "boolean") {
    return (
      <div class="field check">
        <label for={id}>
          <input
            {...common}
            type="checkbox"
            checked={value === "true"}
            onChange={(event) => props.onInput(String(event.currentTarget.checked))}
          />
          {field.label}
          {field.apiName && <code class="name"> {field.apiName}</code>}
        </label>
      </div>
    );
  }
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id}>
        {field.label}
        {field.apiName && <code class="name"> {field.apiName}</code>}
        {field.required && <span class="need" title={t("required")}> *</span>}
      </label>
      {field.kind === "choice" ? (
        <select {...common} value={value} onChange={(event) => props.onInput(event.currentTarget.value)}>
          {!field.required && !field.chosen && <option value="" />}
          {field.values?.map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          type="text"
          inputMode={field.kind === "number" ? "decimal" : undefined}
          autocomplete="off"
          value={value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
      {field.hint && (
        <p class="hint" id={`${id}-hint`}>
          {field.hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          <Said text={error} />
        </p>
      )}
    </div>
  );
}

interface FormProps {
  fields: readonly FieldSpec[];
  call: (body: Record<string, Json>) => Call;
  submit: string;
  done?: string; // What is said when it worked.
  onDone?: (data: Json, body: Record<string, Json>) => void;
  onCancel?: () => void;
  inline?: boolean;
  showCurl?: boolean;
  id?: string;
  children?: ComponentChildren;
}

export function Form(props: FormProps) {
  const [values, setValues] = useState<Values>(() => initial(props.fields));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const body = bodyOf(props.fields, values);
    const answer = await send(props.call(body));
    setBusy(false);
    setProblem(answer.problem);
    refresh();
    if (answer.ok) {
      toast("good", props.done ?? t("done"));
      setValues(initial(props.fields));
      props.onDone?.(answer.data, body);
      return;
    }
    const wrong = answer.problem?.errors?.[0]?.field;
    if (wrong) form.current?.querySelector<HTMLElement>(`[name="${CSS.escape(wrong)}"]`)?.focus();
  };

  const known = new Set(props.fields.map((field) => field.name));
  const others = problem?.errors?.filter((error) => !known.has(error.field)) ?? [];
  const general = problem !== null && (!problem.errors?.length || others.length > 0);
  return (
    <form class={`form${props.inline ? " inline" : ""}`} onSubmit={submit} ref={form} noValidate data-id={props.id}>
      {props.fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={values[field.name] ?? ""}
          error={problem?.errors?.find((error) => error.field === field.name)?.message}
          onInput={(value) => setValues((old) => ({ ...old, [field.name]: value }))}
        />
      ))}
      {props.children}
      <div class="form-actions">
        <Button submit kind="main" busy={busy}>
          {props.submit}
        </Button>
        {props.onCancel && <Button onClick={props.onCancel}>{t("cancel")}</Button>}
      </div>
      {general && <ProblemBox problem={{ ...problem, errors: others }} />}
      {props.showCurl && <code class="line">{curl(props.call(bodyOf(props.fields, values)))}</code>}
    </form>
  );
}

/* A form in a dialog that closes when it worked. */
export function FormDialog({ title, onClose, ...form }: FormProps & { title: string; onClose: () => void }) {
  const done = (data: Json, body: Record<string, Json>) => {
    onClose();
    form.onDone?.(data, body);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Form {...form} onDone={done} onCancel={onClose} />
    </Dialog>
  );
}
