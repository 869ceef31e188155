/** The port through which deliveries leave the house; the connector behind it guards against what must not be reached. */

/** What became of one POST. `error` says in a few words why there is no answer. */
export type Posted = { readonly status: number } | { readonly error: string }

export interface WebhookSender {
  /** Why nothing may be sent to this URL; undefined: it may. Resolves its host. */
  objection(url: string): Promise<string | undefined>
  /** Never rejects. Checks the URL again, so that a name that now points elsewhere is not followed. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Posted>
}
