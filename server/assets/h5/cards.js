/** How cards are drawn: what is on sale, its amounts, the face of one that is bought, and its secret. */
import { both, button, choice, element, paragraph } from '/h5/assets/view.js'
import { yuanOf } from '/h5/assets/wallet.js'

export function productChoice(product) {
  return choice(
    { name: 'product', value: product.id },
    element('span', { className: 'name', textContent: product.name }),
    element('span', { className: 'price', textContent: priceOf(product) }),
    element('span', { className: 'quiet', children: validityOf(product) }),
  )
}

export function faceChoice(fen, checked) {
  return choice({ name: 'fen', value: String(fen), checked }, yuanOf(fen)).label
}

function priceOf({ faces = [], face_range: range }) {
  if (range !== undefined) return rangeOf(range)
  const least = yuanOf(Math.min(...faces))
  return faces.length === 1 ? least : `${least} 起`
}

export function rangeOf({ min, max }) {
  return `${yuanOf(min)} – ${yuanOf(max)}`
}

function validityOf({ validity_months: months }) {
  if (months === null) return both('长期有效', 'no expiry')
  return both(`有效期 ${months} 个月`, `valid ${months} months`)
}

/** `product`: undefined where it is no longer on sale. */
export function cardFace(card, product) {
  const until =
    card.expires_at === null
      ? '长期有效'
      : `有效期至 ${new Date(card.expires_at).toLocaleDateString('zh-CN')}`
  return element('div', {
    className: 'face',
    children: [
      paragraph('', product?.name ?? '礼卡'),
      paragraph('amount', yuanOf(card.balance.available)),
      paragraph('', `尾号 ${card.number_last4} · ${until}`),
    ],
  })
}

export function sealedNote(until) {
  const time = new Date(until).toLocaleString('zh-CN', { dateStyle: 'long', timeStyle: 'short' })
  return paragraph(
    '',
    ...both(`冷静期至 ${time}，期满后可用`, 'Until then you may change your mind'),
  )
}

/** `reveal` → number and secret; undefined where they are not to be had, which has been said. */
export function secretParts(reveal) {
  const shown = element('output')
  const show = async () => {
    const face = await reveal()
    if (face !== undefined) shown.textContent = `卡号 ${face.number}\n密码 ${face.secret}`
  }
  return [
    button(['查看卡号和密码', 'Show number and secret'], show),
    paragraph(
      'quiet',
      ...both('首次查看后十分钟内可再看，请勿告诉他人', 'For ten minutes; tell nobody'),
    ),
    shown,
  ]
}
