"""Make targets of what is no factory: functions, web applications, Lambda handlers."""
