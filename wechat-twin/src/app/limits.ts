/** The fixed limits of cards in one place; what a test may want to change while the twin runs is in the kernel's settings. */

export const cardLimits = {
  day: 86_400,
  /** Bytes; a Chinese character takes three. Recalled. */
  needed: {
    logo_url: 128,
    brand_name: 36,
    title: 27,
    notice: 48,
    service_phone: 24,
    description: 3072,
  },
  optional: {
    center_title: 18,
    center_sub_title: 24,
    center_url: 128,
    custom_url_name: 15,
    custom_url_sub_title: 18,
    custom_url: 128,
    promotion_url_name: 15,
    promotion_url_sub_title: 18,
    promotion_url: 128,
  },
  prerogativeBytes: 3072,
  quantity: 100_000_000,
  getLimit: 50,
  /** Recalled. */
  batchGet: 50,
  deposit: 100,
  qrCards: 5,
  qrSeconds: { min: 60, max: 1800, unless: 365 * 86_400 },
  outerStrBytes: 128,
  codeLength: 20,
  colors: [
    'Color010',
    'Color020',
    'Color030',
    'Color040',
    'Color050',
    'Color060',
    'Color070',
    'Color080',
    'Color081',
    'Color082',
    'Color090',
    'Color100',
    'Color101',
    'Color102',
  ],
  /** Recalled. */
  permanentTypes: ['MEMBER_CARD', 'GENERAL_CARD'],
  imageBytes: 1024 * 1024,
}
