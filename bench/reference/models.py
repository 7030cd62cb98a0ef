from django.db import models


class Incident(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "Открыт"
        IN_PROGRESS = "in_progress", "В работе"
        RESOLVED = "resolved", "Решен"
        CLOSED = "closed", "Закрыт"
        CANCELLED = "cancelled", "Отменен"

    class Source(models.TextChoices):
        OPERATOR = "operator", "Оператор"
        MONITORING = "monitoring", "Мониторинг"
        PARTNER = "partner", "Партнер"
        SYSTEM = "system", "Система"

    description = models.TextField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OPEN, db_index=True)
    source = models.CharField(max_length=20, choices=Source.choices, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.description[:50]
