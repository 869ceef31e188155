/**
 * The charter that a new issuer begins with, so that a law that wants one published before the first sale is met from
 * the start. An issuer publishes its own over it; every card keeps the version that its buyer was shown.
 */
export const modelCharter = {
  title: '预付卡章程（范本） Model charter of prepaid cards',
  document: `预付卡章程（范本）

一、适用。本章程适用于本发卡机构发行的预付卡。购卡即视为双方就本章程订立合同；购卡时展示的版本对该卡始终有效。
二、购卡与实名。按法律规定需要实名或者非现金付款的，购卡人及代办人应当提供身份信息，并按规定方式付款。
三、使用。卡在产品载明的商户、门店和类别内使用，按实际消费扣减，不收取开卡、查询、使用费用。
四、余额与有效期。余额归持卡人所有。记名卡不设有效期；不记名卡有效期届满仍有余额的，可以免费延期、换卡或者退卡，余额不予没收。
五、退货。以卡支付的交易退货的，款项退回原卡；原卡已更换的，退至新卡。
六、退卡。持卡人依法可以要求退卡。退还的是未消费的本金，按法律规定的方法计算，退至原付款方式或者与退卡人同名的账户；赠送金不予退还。
七、挂失与补卡。卡遗失的可以挂失，挂失即时生效；补卡承继原卡的余额、有效期与条件。
八、信息保护。购卡人信息加密保存，仅在法律规定的范围内使用和保存。
九、变更与终止。本章程变更的，仅适用于变更后售出的卡。发卡机构终止发卡的，提前公告并免费退卡。
十、争议。双方可以协商、向主管部门投诉，或者依法提起诉讼。

Model charter of prepaid cards

1. Buying a card makes a contract under the version shown at that time. 2. Identity and means of payment as the law asks. 3. The card
pays where its product says, without fees. 4. The balance stays the holder's; expiry takes no money. 5. Refunds of payments go back to the
card or its successor. 6. Unspent principal is paid back as the law says; bonus is not. 7. A loss that is reported stops the card at once;
a replacement carries everything. 8. Personal data is encrypted. 9. Changes bind cards sold afterwards only. 10. Disputes as the law
provides.
`,
} as const
