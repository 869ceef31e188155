/** What the journal keeps of a statement. */
import type { Outcome } from '../../platform/lanes/index.ts'
import type { PortionRow, StatementRow } from './model.ts'

/** What the journal tells of a statement: all that its row says, so that the row can be held against it. */
export function statementBody(
  statement: StatementRow,
  parts: readonly Pick<PortionRow, 'merchantId' | 'amount'>[],
): Outcome['body'] {
  const { id, merchantId, contractVersion, fromDay, toDay, payOn, marginReleaseOn } = statement
  const { fromCut, toCut, nets } = statement
  return {
    settlementId: id,
    merchantId,
    contractVersion,
    fromDay,
    toDay,
    payOn,
    marginReleaseOn,
    takenFen: String(statement.taken),
    refundedFen: String(statement.refunded),
    cancelledFen: String(statement.cancelled),
    commissionFen: String(statement.commission),
    bonusShareFen: String(statement.bonusShare),
    voucherShareFen: String(statement.voucherShare),
    adjustedFen: String(statement.adjusted),
    dueFen: String(statement.due),
    setOffFen: String(statement.setOff),
    marginWithheldFen: String(statement.marginWithheld),
    marginUsedFen: String(statement.marginUsed),
    receivableAddedFen: String(statement.receivableAdded),
    marginReleasedFen: String(statement.marginReleased),
    ownSalesFen: String(statement.ownSales),
    payableFen: String(statement.payable),
    portions: parts.map((part) => ({
      merchantId: part.merchantId,
      amountFen: String(part.amount),
    })),
    _fromCut: fromCut,
    _toCut: toCut,
    _nets: nets,
  }
}
