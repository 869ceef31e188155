/** Red packets: rewards in cash, from the budget of a campaign to a member, by WeChat. */
export { idOfOutBillNo, outBillNoOf } from './numbers.ts'
export {
  findRedPacket,
  postponeRedPacket,
  type RedPacketRow,
  redPacketStates,
  redPackets,
  takeDueRedPackets,
} from './store.ts'
