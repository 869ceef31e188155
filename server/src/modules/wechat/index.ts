/** What an issuer has at WeChat, and the ports through which the rest of Lika asks WeChat for something. */
export type * from './app-port.ts'
export type * from './pay-port.ts'
