import { parseAccept } from "hono/utils/accept";

/** The texts of the page. `{name}` stands for a value that the page fills in; a unit keeps to its number. */
const ENGLISH = {
  title: "Smart home",
  skip: "Skip to the rooms",
  connections: "Connections",
  pageLive: "Page: live",
  pageConnecting: "Page: connecting…",
  hostConnected: "Host: connected",
  hostConnecting: "Host: away",
  hostUnknown: "Host: unknown",
  hostAwayNotice:
    "The host is away. Until it is back there are no readings, and nothing can be switched.",
  pageAwayNotice: "No connection to the UI agent. What you see may be old. Trying again…",
  rooms: "Rooms",
  noRooms: "Waiting for the first reading. Each environment agent shows up here as a room.",
  temperature: "Temperature",
  humidity: "Humidity",
  updatedAgo: "{seconds} s ago",
  updatedMinutesAgo: "{minutes} min ago",
  noReading: "no reading yet",
  chartLabel:
    "Last {minutes} minutes: temperature {lowTemperature} to {highTemperature}\u00a0°C, humidity {lowHumidity} to {highHumidity}\u00a0%.",
  chartEmpty: "The chart starts with the second reading.",
  devices: "Devices",
  air_conditioner: "Air conditioner",
  humidifier: "Humidifier",
  on: "On",
  off: "Off",
  unknown: "Unknown",
  waiting: "Waiting for confirmation…",
  unconfirmed: "No confirmation came. The switch shows what was confirmed last.",
  noDeviceAgent: "No device agent answers here, so nothing can be switched.",
  confirmed: "{device} in {room}: {state}, confirmed",
  "reason.start": "Not switched yet",
  "reason.automatic.temperature.above": "Automatic: {value}\u00a0°C is above {limit}\u00a0°C",
  "reason.automatic.temperature.below": "Automatic: {value}\u00a0°C is below {limit}\u00a0°C",
  "reason.automatic.humidity.above": "Automatic: {value}\u00a0% is above {limit}\u00a0%",
  "reason.automatic.humidity.below": "Automatic: {value}\u00a0% is below {limit}\u00a0%",
  "reason.manual": "Manual until {time}",
  "reason.manual-over": "Manual; the automatic takes over at the next reading",
  "reason.hold-ended": "Automatic again: the manual hold ended",
  "reason.other": "{text}",
  testAlert: "Test the alarm",
  testAlertOf: "Test the alarm in {room}",
  testSent: "Test sent.",
  testUnanswered: "No alert came. Is the security agent running?",
  commandRefused: "Refused: {message}",
  commandFailed: "Could not be sent: {message}",
  commandUnreachable: "The UI agent could not be reached.",
  alerts: "Alerts",
  noAlerts: "No alerts.",
  "alert.temperature_high": "Too hot",
  "alert.test": "Test",
  "alertMessage.temperature_high":
    "{temperature}\u00a0°C in {room} is above the limit of {limit}\u00a0°C.",
  "alertMessage.test": "Test alert for {room}. Nothing is wrong.",
  alertSpoken: "Alert in {room}: {kind}. {message}",
  noScript: "This page needs JavaScript to show live readings.",
  languages: "Language",
} as const;

export type TextKey = keyof typeof ENGLISH;
export type Texts = Readonly<Record<TextKey, string>>;

const CHINESE: Texts = {
  title: "智能家居",
  skip: "跳到房间",
  connections: "连接",
  pageLive: "页面：实时",
  pageConnecting: "页面：正在连接…",
  hostConnected: "主机：已连接",
  hostConnecting: "主机：已断开",
  hostUnknown: "主机：未知",
  hostAwayNotice: "主机已断开。恢复之前没有新读数，也无法切换设备。",
  pageAwayNotice: "无法连接界面代理，显示的内容可能已过时。正在重试…",
  rooms: "房间",
  noRooms: "正在等待第一个读数。每个环境代理会在这里显示为一个房间。",
  temperature: "温度",
  humidity: "湿度",
  updatedAgo: "{seconds} 秒前",
  updatedMinutesAgo: "{minutes} 分钟前",
  noReading: "尚无读数",
  chartLabel:
    "最近 {minutes} 分钟：温度 {lowTemperature} 至 {highTemperature}\u00a0°C，湿度 {lowHumidity} 至 {highHumidity}\u00a0%。",
  chartEmpty: "收到第二个读数后显示图表。",
  devices: "设备",
  air_conditioner: "空调",
  humidifier: "加湿器",
  on: "开",
  off: "关",
  unknown: "未知",
  waiting: "等待确认…",
  unconfirmed: "未收到确认。开关显示的是上次确认的状态。",
  noDeviceAgent: "这里没有设备代理应答，无法切换设备。",
  confirmed: "{room}的{device}：{state}，已确认",
  "reason.start": "尚未切换",
  "reason.automatic.temperature.above": "自动：{value}\u00a0°C 高于 {limit}\u00a0°C",
  "reason.automatic.temperature.below": "自动：{value}\u00a0°C 低于 {limit}\u00a0°C",
  "reason.automatic.humidity.above": "自动：{value}\u00a0% 高于 {limit}\u00a0%",
  "reason.automatic.humidity.below": "自动：{value}\u00a0% 低于 {limit}\u00a0%",
  "reason.manual": "手动，保持到 {time}",
  "reason.manual-over": "手动；下一个读数时恢复自动",
  "reason.hold-ended": "手动保持结束，恢复自动",
  "reason.other": "{text}",
  testAlert: "测试警报",
  testAlertOf: "测试{room}的警报",
  testSent: "已发送测试。",
  testUnanswered: "没有收到警报。安全代理在运行吗？",
  commandRefused: "被拒绝：{message}",
  commandFailed: "无法发送：{message}",
  commandUnreachable: "无法连接界面代理。",
  alerts: "警报",
  noAlerts: "没有警报。",
  "alert.temperature_high": "温度过高",
  "alert.test": "测试",
  "alertMessage.temperature_high": "{room}的温度 {temperature}\u00a0°C 高于上限 {limit}\u00a0°C。",
  "alertMessage.test": "这是{room}的测试警报，一切正常。",
  alertSpoken: "{room}警报：{kind}。{message}",
  noScript: "此页面需要 JavaScript 才能显示实时读数。",
  languages: "语言",
};

/** BCP 47 tags of the page's languages. */
export const LANGUAGES = ["en", "zh-CN"] as const;
export type Language = (typeof LANGUAGES)[number];

export const TEXTS: Readonly<Record<Language, Texts>> = { en: ENGLISH, "zh-CN": CHINESE };

/** What each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: "English",
  "zh-CN": "中文",
};

/**
 * The language of the page: what was asked for in the address, else what the browser likes best.
 * @param acceptLanguage an `Accept-Language` header (RFC 9110, section 12.5.4)
 */
export function chooseLanguage(
  asked: string | undefined,
  acceptLanguage: string | undefined,
): Language {
  const wishes = [
    ...(asked === undefined ? [] : [asked]),
    ...parseAccept(acceptLanguage ?? "")
      .filter((wish) => wish.q > 0)
      .map((wish) => wish.type),
  ];
  for (const wish of wishes) {
    const base = wish.toLowerCase().split("-", 1)[0];
    const language = LANGUAGES.find((tag) => tag.split("-", 1)[0] === base);
    if (language !== undefined) {
      return language;
    }
  }
  return "en";
}
