/** The one function of the package `qrcode` that the phone uses; the package brings no types of its own. */
declare module 'qrcode' {
  const codes: {
    toString(text: string, options: { type: 'svg'; margin?: number }): Promise<string>
  }
  export = codes
}
