/** The steps of `lika wechat doctor` in Chinese: what each looks at, and what to do where it fails. */

interface StepWords {
  readonly name: string
  readonly todo: string
}

const words: Readonly<Record<string, StepWords>> = {
  private_key: {
    name: '商户 API 私钥',
    todo: '重新上传商户证书对应的 apiclient_key.pem。',
  },
  public_key: {
    name: '微信支付公钥',
    todo: '在商户平台「API 安全」下载微信支付公钥，连同 PUB_KEY_ID_ 一起登记。',
  },
  notify_url: {
    name: '支付回调地址',
    todo: '把 LIKA_PUBLIC_URL 设为外网可访问的 https 地址。',
  },
  reach: { name: '网络', todo: '检查 DNS、代理和防火墙，允许本服务器访问微信域名。' },
  clock: { name: '时钟', todo: '用 NTP 校准服务器时钟；相差五分钟以上微信会拒绝一切请求。' },
  own_signature: {
    name: '请求签名',
    todo: '私钥、证书序列号、商户号须同属一张商户 API 证书，请与商户平台核对。',
  },
  platform_keys: {
    name: '平台证书与 APIv3 密钥',
    todo: '核对 APIv3 密钥；没有平台证书的新商户号须改用微信支付公钥模式。',
  },
  wechat_signature: {
    name: '应答验签',
    todo: '核对微信支付公钥及其 ID；正在切换公钥的商户号用 both 模式。',
  },
  merchant: { name: '商户号', todo: '在商户平台查看商户号状态与产品权限。' },
  app: { name: 'AppID 与商户号的绑定', todo: '在商户平台和公众平台两侧完成 AppID 授权绑定。' },
  api_v2_key: { name: 'APIv2 密钥', todo: '登记商户平台上设置的 APIv2 密钥。' },
  v2_client_certificate: {
    name: '商户 API 证书',
    todo: '登记 apiclient_cert.pem，否则付款码支付不能撤销。',
  },
  appid: { name: 'AppID', todo: '与公众平台「基本配置」核对 AppID。' },
  app_secret: { name: 'AppSecret', todo: '登记此应用当前的 AppSecret；重置后旧的即失效。' },
  ip_allow_list: {
    name: 'IP 白名单',
    todo: '在公众平台把本服务器的出口 IP 加入白名单。',
  },
  token: { name: '接口调用凭据', todo: '按返回的错误码查阅微信文档。' },
  login: { name: '用户登录', todo: '核对应用类型（公众号或小程序）以及网页授权权限。' },
  jsapi_ticket: { name: 'JS-SDK', todo: '在公众平台查看此账号的 JS-SDK 权限。' },
  callback_url: {
    name: '消息推送地址',
    todo: '检查域名、证书、反向代理和 LIKA_PUBLIC_URL，使该地址通到本服务器。',
  },
  callback_token: { name: '消息推送 Token', todo: '两侧填写同一个 Token。' },
  callback_key: { name: 'EncodingAESKey', todo: '两侧填写同一个 EncodingAESKey。' },
  callback_mode: { name: '消息加密方式', todo: '在公众平台选择安全模式，或去掉这里的密钥。' },
  callback_appid: { name: '消息所属应用', todo: '每个应用填写各自的消息推送地址。' },
  callback_body: { name: '消息内容', todo: '检查代理是否改动了消息，或有他人在调用此地址。' },
  callbacks: { name: '最近的消息推送', todo: '' },
}

/** By the first word of a step: what comes behind it says of what. Unknown ones keep their own name. */
export function wordsOfStep(step: string): StepWords {
  const [word = step, ...rest] = step.split(' ')
  const found = words[word]
  if (found === undefined) return { name: step, todo: '' }
  return rest.length === 0 ? found : { ...found, name: `${found.name} ${rest.join(' ')}` }
}
