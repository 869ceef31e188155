/**
 * What keeps Lika from starting and is the operator's to change: a taken folder, a full disk, a wrong
 * URL. The message is one or two whole sentences that say what to do; `main` prints it without a
 * stack and exits. Everything else that throws is a fault.
 */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
  /** Stable, for tests and scripts: `data_folder.in_use`, `disk.full` … */
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
