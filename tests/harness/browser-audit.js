/**
 * Run in a page: says in sentences where it is too wide, too small to touch, too pale to read, or has no name. An
 * expression, whose value is the list; nothing is changed in the page.
 */
;(() => {
  const smallestTarget = 44
  const leastContrast = 4.5

  const isSeen = (element) => element.checkVisibility({ visibilityProperty: true })
  const named = (element) => {
    const words = (element.textContent ?? '').trim().slice(0, 30)
    return `<${element.tagName.toLowerCase()} id="${element.id}"> ${JSON.stringify(words)}`
  }

  function* pageFaults(root) {
    if (root.lang !== 'zh-CN') yield `the page says its language is "${root.lang}"`
    if (document.title === '') yield 'the page has no title'
    if (root.scrollWidth > root.clientWidth)
      yield `the page is ${root.scrollWidth} px wide in ${root.clientWidth} px`
  }

  /** A choice is touched by its label, wherever the finger lands on it. */
  function* controlFaults(control) {
    const isChoice = control.type === 'radio' || control.type === 'checkbox'
    const target = (isChoice && control.closest('label')) || control
    const { width, height } = target.getBoundingClientRect()
    if (Math.min(width, height) < smallestTarget - 0.5)
      yield `${named(control)} is ${Math.round(width)} × ${Math.round(height)} px`
    const isNamed =
      control.ariaLabel ||
      control.labels?.length > 0 ||
      (control.matches('a, button') && control.textContent.trim() !== '')
    if (!isNamed) yield `${named(control)} has no name`
  }

  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  /** Red, green and blue of 255, and how opaque of 1. */
  function readColour(text) {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = text
    canvas.fillRect(0, 0, 1, 1)
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data
    return [red, green, blue, alpha / 255]
  }

  const over = ([red, green, blue, alpha], below) => [
    ...[red, green, blue].map((part, at) => part * alpha + below[at] * (1 - alpha)),
    1,
  ]

  function groundOf(element) {
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches
    if (element === null) return readColour(isDark ? 'black' : 'white')
    const own = readColour(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, groundOf(element.parentElement))
  }

  function opacityOf(element) {
    if (element === null) return 1
    return Number(getComputedStyle(element).opacity) * opacityOf(element.parentElement)
  }

  /** Relative luminance by WCAG 2. */
  function luminance(colour) {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }

  function contrastOf(element) {
    const ground = groundOf(element)
    const [red, green, blue, alpha] = readColour(getComputedStyle(element).color)
    const ink = over([red, green, blue, alpha * opacityOf(element)], ground)
    const [darker, lighter] = [luminance(ink), luminance(ground)].sort((one, two) => one - two)
    return (lighter + 0.05) / (darker + 0.05)
  }

  function* textFaults(element) {
    const hasWords = [...element.childNodes].some(
      ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim() !== '',
    )
    if (!hasWords || element.closest(':disabled') !== null) return
    const contrast = contrastOf(element)
    if (contrast < leastContrast) yield `${named(element)} has a contrast of ${contrast.toFixed(2)}`
  }

  const all = [...document.body.querySelectorAll('*')].filter(isSeen)
  const controls = all.filter((element) => element.matches('a[href], button, input, select'))
  return [
    ...pageFaults(document.documentElement),
    ...controls.flatMap((control) => [...controlFaults(control)]),
    ...all.flatMap((element) => [...textFaults(element)]),
  ]
})()
