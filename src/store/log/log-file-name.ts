/** The file of a message log in its folder. */
export const LOG_FILE = "log.sqlite";
