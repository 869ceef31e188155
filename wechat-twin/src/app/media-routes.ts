/** `/cgi-bin/media/uploadimg`: the picture of a card becomes an address that cards may name as their logo. */
import { Refused } from './errcodes.ts'
import { cardLimits } from './limits.ts'
import type { World } from './world.ts'

export function registerMedia({ api, twin }: World): void {
  api.upload('/cgi-bin/media/uploadimg', 'any', ({ call }) => {
    const picture = fileIn(call.body)
    if (picture === undefined) throw new Refused(44002)
    if (picture.length > cardLimits.imageBytes || !isPicture(picture)) throw new Refused(40009)
    return { url: `http://mmbiz.qpic.cn/mmbiz_png/${twin.random.letters(64)}/0` }
  })
}

/** What stands after the head of the first part and before its end; undefined where there is no part. */
function fileIn(body: Buffer): Buffer | undefined {
  const lineEnd = body.indexOf('\r\n')
  const start = body.indexOf('\r\n\r\n')
  if (lineEnd < 1 || start === -1) return undefined
  const boundary = body.subarray(0, lineEnd)
  const end = body.indexOf(boundary, start)
  return end === -1 ? undefined : body.subarray(start + 4, end - 2)
}

function isPicture(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 4).toString('hex')
  return head === '89504e47' || head.startsWith('ffd8ff')
}
