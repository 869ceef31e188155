/** The two languages of what people see: Chinese first, English second, or one alone. */

/** `both` is the default; `zh` and `en` say things once. */
export type Language = 'both' | 'zh' | 'en'

/** Chooses or joins the Chinese and the English wording of one thing. */
export type Say = (zh: string, en: string) => string

/** Short texts (headings, descriptions) are joined by a space, sentences that end by one too. */
export function speaker(language: Language): Say {
  return (zh, en) => {
    if (language === 'zh') return zh
    if (language === 'en' || zh === en) return en
    return `${zh} ${en}`
  }
}
