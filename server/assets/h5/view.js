/** How the shop looks: elements made of text alone, one part at a time, what is said, and the code to scan. */
import { qrModules } from '/h5/assets/qr.js'
import { wordsOf } from '/h5/assets/words.js'

export const $ = (id) => document.getElementById(id)

export function element(name, { children = [], ...properties } = {}) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

/** Chinese, and English smaller behind it. */
export function both(chinese, english) {
  return [`${chinese} `, element('small', { lang: 'en', textContent: english })]
}

export function paragraph(className, ...children) {
  return element('p', { className, children })
}

export function button([chinese, english], onClick, className = '') {
  const made = element('button', { type: 'button', className, children: both(chinese, english) })
  made.addEventListener('click', async () => {
    made.disabled = true
    try {
      await onClick()
    } finally {
      made.disabled = false
    }
  })
  return made
}

/** One of several, drawn as a tile: the whole of it is touched, and the radio under it has the keys. */
export function choice(properties, ...words) {
  const radio = element('input', { type: 'radio', required: true, ...properties })
  const tile = element('span', { className: 'tile', children: words })
  return { radio, label: element('label', { className: 'choice', children: [radio, tile] }) }
}

let part = ''

/** One of these parts of the page, and no other; who does not see it is told by its heading. */
export function show(next) {
  for (const id of ['shelf', 'pay', 'done']) $(id).hidden = id !== next
  if (part !== '' && part !== next) $(`${next}-title`).focus()
  part = next
}

export const shownPart = () => part

/** `manner`: '', 'good' or 'wrong'. */
export function say([chinese, english] = [], manner = '') {
  $('notice').className = `notice ${manner}`
  $('notice').replaceChildren(...(chinese === undefined ? [] : both(chinese, english)))
}

export function sayRefusal(error) {
  say(wordsOf(error), 'wrong')
}

/** Black on white with a quiet zone, as one path. */
export function qrCode(text) {
  const rows = qrModules(text)
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const size = rows.length + 8
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', '付款码 Code to scan')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  const squares = rows.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : [])),
  )
  path.setAttribute('d', squares.join(''))
  svg.append(path)
  return svg
}
